import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert/strict";
import { ask, backend, freePort, toGroup } from "../../support/backends.ts";
import { startProxy } from "../../support/proxy.ts";
import { rawClient, rawUpstream } from "../../support/raw_upstream.ts";
import {
  acting,
  closes,
  firstTo,
  garbage,
  hangs,
  settled,
  status,
} from "./acting.ts";

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

Deno.test("a POST larger than what is kept goes on whole as well, where nobody listened", async () => {
  const body = "0123456789abcdef".repeat(512 * 1024);
  for (const framed of [body, new Blob([body]).stream()]) {
    const { answer, good } = await firstTo(
      { port: freePort() },
      { client_max_body_size: 0 },
      { method: "POST", body: framed },
    );
    equal(answer, "200 good");
    ok(good.seen[0]?.body === body);
  }
});

Deno.test("a body that is still coming when its server fails reaches the next one whole", async () => {
  const cut = Promise.withResolvers<void>();
  await using bad = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.readUntil("first");
    cut.resolve();
  });
  await using good = backend("good");
  await using proxy = startProxy({
    ...toGroup([bad.port, good]),
    proxy_next_upstream: "error non_idempotent",
  });
  const head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
  for (const framing of ["content-length: 15", "transfer-encoding: chunked"]) {
    const pieces = framing.startsWith("c")
      ? ["first", "other", "third"]
      : ["5\r\nfirst\r\n", "5\r\nother\r\n", "5\r\nthird\r\n0\r\n\r\n"];
    const client = await rawClient(proxy.port);
    await client.write(`${head}${framing}\r\n\r\n${pieces[0]}`);
    await cut.promise;
    // By now the proxy waits for the client on behalf of a server that is gone.
    await settled();
    await client.write(pieces[1]!);
    await settled();
    await client.write(pieces[2]!);
    const answer = await client.readToEnd();
    client.close();
    ok(answer.endsWith("good"), answer);
    equal(good.seen.at(-1)?.body, "firstotherthird", framing);
  }
});

Deno.test("a keep-alive connection that closes under a request costs nobody more than a POST", async () => {
  const cases: [
    method: string,
    body: string | null,
    status: number,
    sent: number,
  ][] = [
    ["GET", null, 200, 2],
    ["HEAD", null, 200, 2],
    ["OPTIONS", null, 200, 2],
    ["DELETE", null, 200, 2],
    ["PUT", "x", 200, 2],
    ["PUT", null, 200, 2],
    ["POST", "x", 502, 1],
    ["POST", null, 502, 1],
    ["PATCH", null, 502, 1],
    ["LOCK", null, 502, 1],
  ];
  for (const [method, body, status, times] of cases) {
    const heads: string[] = [];
    await using stale = rawUpstream(async (connection) => {
      heads.push(await connection.readHead());
      await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      // It was about to close when the next request came.
      heads.push(await connection.readHead());
    });
    await using proxy = startProxy(toGroup([stale.port]));
    equal(await ask(proxy.url), "200 ok");
    const response = await fetch(proxy.url, { method, body });
    await response.body?.cancel();
    equal(response.status, status, method);
    const [, ...sent] = heads;
    equal(sent.length, times, method);
    for (const head of sent) {
      ok(head.startsWith(`${method} `), head);
      equal(/^transfer-encoding/im.test(head), false, head);
    }
  }
});

Deno.test("a body that is no longer all there is not sent again", async () => {
  const length = 4 * 1024 * 1024;
  await using bad = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.readExactly(1024 * 1024);
  });
  await using good = acting(status(200));
  for (const servers of [[bad.port], [bad.port, good.port]]) {
    await using proxy = startProxy({
      ...toGroup(servers),
      client_max_body_size: 0,
    });
    const init = { method: "PUT", body: "x".repeat(length) };
    equal((await ask(proxy.url, init)).slice(0, 3), "502");
  }
  equal(bad.connections, 2);
  deepStrictEqual(good.methods, []);
});

Deno.test("a request that its server has begun to answer goes nowhere else", async () => {
  await using cutting = acting(async (connection) => {
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
    connection.close();
  });
  await using good = backend("good");
  await using proxy = startProxy(toGroup([cutting.port, good]));
  const response = await fetch(proxy.url);
  await rejects(response.text());
  equal(good.seen.length, 0);
});
