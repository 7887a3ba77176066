import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import {
  ask,
  type Backend,
  backend,
  freePort,
  toGroup,
} from "../support/backends.ts";
import { type RawConnection, rawUpstream } from "../support/raw_upstream.ts";
import { startProxy } from "../support/proxy.ts";

/** A server that does `act` to every request, and counts them by method. */
function acting(act: (connection: RawConnection) => Promise<void>) {
  const methods: string[] = [];
  const upstream = rawUpstream(async (connection) => {
    while (true) {
      const head = await connection.readHead();
      methods.push(head.slice(0, head.indexOf(" ")));
      await act(connection);
    }
  });
  return {
    port: upstream.port,
    methods,
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

/** Closes without an answer. */
const closes = (connection: RawConnection): Promise<void> => {
  connection.close();
  return Promise.reject(new Error("closed"));
};
/** Never answers. */
const hangs = async (connection: RawConnection): Promise<void> => {
  await connection.readToEnd();
};
const answers = (text: string) => (connection: RawConnection) =>
  connection.write(text);
const garbage = answers("SSH-2.0-OpenSSH_9.9\r\n\r\n");
const status = (code: number) =>
  answers(`HTTP/1.1 ${code} Bad\r\ncontent-length: 3\r\n\r\nbad`);

/** The answer to a request that comes to `bad` first and may go to a good one. */
async function firstTo(
  bad: { port: number },
  config: Record<string, unknown> = {},
  init: RequestInit = {},
): Promise<{ answer: string; good: Backend }> {
  const good = backend("good");
  await using _ = good;
  await using proxy = startProxy({
    ...toGroup([bad.port, good]),
    proxy_read_timeout: "150ms",
    ...config,
  });
  const answer = await ask(proxy.url, init);
  return { answer: answer.split(" ").slice(0, 2).join(" "), good };
}

Deno.test("a GET goes on to the next server after each failure that is named", async () => {
  const refused = { port: freePort() };
  await using closing = acting(closes);
  await using hanging = acting(hangs);
  await using lying = acting(garbage);
  const cases: [string, { port: number }, string, string][] = [
    ["error timeout", refused, "200 good", "refused"],
    ["error timeout", closing, "200 good", "closed"],
    ["error timeout", hanging, "200 good", "silent"],
    ["error timeout", lying, "502 <!doctype", "garbage, not named"],
    ["invalid_header", lying, "200 good", "garbage"],
    ["timeout", refused, "502 <!doctype", "refused, not named"],
    ["error", hanging, "504 <!doctype", "silent, not named"],
    ["off", closing, "502 <!doctype", "closed, off"],
    ["off", refused, "502 <!doctype", "refused, off"],
  ];
  for (const [next, bad, expected, what] of cases) {
    const { answer } = await firstTo(bad, { proxy_next_upstream: next }, {
      headers: { accept: "text/html" },
    });
    equal(answer.toLowerCase(), expected, what);
  }
});

Deno.test("a GET goes on after a status that is named, and no other", async () => {
  for (const code of [403, 404, 429, 500, 502, 503, 504]) {
    await using bad = acting(status(code));
    equal((await firstTo(bad)).answer, `${code} bad`);
    const named = { proxy_next_upstream: `http_${code}` };
    equal((await firstTo(bad, named)).answer, "200 good");
    const other = {
      proxy_next_upstream: code === 500 ? "http_502" : "http_500",
    };
    equal((await firstTo(bad, other)).answer, `${code} bad`);
  }
});

Deno.test("the last server's answer stands", async () => {
  await using first = acting(status(500));
  await using second = acting(status(503));
  await using proxy = startProxy({
    ...toGroup([first.port, second.port]),
    proxy_next_upstream: "http_500 http_503",
  });
  equal(await ask(proxy.url), "503 bad");
  deepStrictEqual([first.methods, second.methods], [["GET"], ["GET"]]);
});

Deno.test("a request tries as many servers as it may", async () => {
  for (const tries of [1, 2, 3, 0]) {
    await using a = acting(status(500));
    await using b = acting(status(500));
    await using c = acting(status(500));
    const servers = [a, b, c];
    await using proxy = startProxy({
      ...toGroup(servers.map(({ port }) => port)),
      proxy_next_upstream: "http_500",
      proxy_next_upstream_tries: tries,
    });
    equal(await ask(proxy.url), "500 bad");
    const tried = servers.filter(({ methods }) => methods.length > 0).length;
    equal(tried, tries === 0 ? 3 : tries);
  }
});

Deno.test("a request goes to no other server when its time for that is over", async () => {
  await using slow = acting(async (connection) => {
    await new Promise((resolve) => setTimeout(resolve, 120));
    await status(500)(connection);
  });
  const next = { proxy_next_upstream: "http_500", proxy_read_timeout: "5s" };
  const late = { ...next, proxy_next_upstream_timeout: "50ms" };
  equal((await firstTo(slow, late)).answer, "500 bad");
  const early = { ...next, proxy_next_upstream_timeout: "5s" };
  equal((await firstTo(slow, early)).answer, "200 good");
});

Deno.test("what may do something twice is sent once, unless the config says otherwise", async () => {
  const every = "error timeout invalid_header http_500";
  for (const act of [closes, hangs, garbage, status(500)]) {
    for (const method of ["POST", "PATCH", "LOCK"]) {
      for (const body of ["", "x=1"]) {
        const init = { method, ...(body === "" ? {} : { body }) };
        await using bad = acting(act);
        const { good } = await firstTo(
          bad,
          { proxy_next_upstream: every },
          init,
        );
        equal(bad.methods.length + good.seen.length, 1, `${method} ${act}`);
        const asked = { proxy_next_upstream: `${every} non_idempotent` };
        const again = await firstTo(bad, asked, init);
        equal(again.answer, "200 good", `${method} ${body} ${act}`);
        equal(again.good.seen[0]?.body, body);
      }
    }
  }
});

Deno.test("a server that nobody listens at has seen nothing: a POST goes on, whole", async () => {
  for (const size of [0, 3, 1000, 100_000, 250_000]) {
    const body = "0123456789".repeat(size / 10 + 1).slice(0, size);
    const { answer, good } = await firstTo({ port: freePort() }, {}, {
      method: "POST",
      body,
    });
    equal(answer, "200 good", String(size));
    ok(good.seen[0]?.body === body, String(size));
  }
});

Deno.test("a PUT goes on with its body after a failure", async () => {
  for (const act of [closes, hangs, status(500)]) {
    for (const method of ["PUT", "DELETE"]) {
      await using bad = acting(act);
      const next = { proxy_next_upstream: "error timeout http_500" };
      const init = { method, body: "all of it" };
      const { answer, good } = await firstTo(bad, next, init);
      equal(answer, "200 good", `${method} ${act}`);
      equal(good.seen[0]?.body, "all of it");
    }
  }
});

Deno.test("the words of a path decide nothing: a POST that was cut is not sent again", async () => {
  const paths = [
    "/certificates",
    "/(Connect)",
    "/tls/handshake",
    "/timed%20out",
  ];
  for (const path of paths) {
    await using bad = acting(closes);
    await using good = backend("good");
    await using proxy = startProxy(toGroup([bad.port, good]));
    const init = { method: "POST", body: "x" };
    equal((await ask(proxy.url + path, init)).slice(0, 3), "502", path);
    deepStrictEqual(good.seen, [], path);
    equal(bad.methods.length, 1);
  }
});
