import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { ask, type Backend, backend, toGroup } from "../../support/backends.ts";
import { startProxy } from "../../support/proxy.ts";

/** Servers called a, b, c… */
function backends(count: number) {
  const all = Array.from(
    { length: count },
    (_, i) => backend(String.fromCharCode(97 + i)),
  );
  return {
    all,
    /** How many requests each has had. */
    counts: () => all.map(({ seen }) => seen.length),
    async [Symbol.asyncDispose]() {
      for (const each of all) await each[Symbol.asyncDispose]();
    },
  };
}

/** Sends so many requests, some at a time, and gives what they were answered with. */
async function load(
  url: string,
  count: number,
  init: (i: number) => RequestInit = () => ({}),
): Promise<string[]> {
  const answers: string[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (next < count) {
      const i = next++;
      answers[i] = await ask(url, init(i));
    }
  }));
  return answers;
}

const weighted = ({ address }: Backend, weight: number) => ({
  address,
  weight,
});

Deno.test("requests are shared by weight, to the last one", async () => {
  await using it = backends(3);
  const [a, b, c] = it.all;
  await using proxy = startProxy(
    toGroup([weighted(a!, 5), weighted(b!, 3), weighted(c!, 2)]),
  );
  await load(proxy.url, 500);
  deepStrictEqual(it.counts(), [250, 150, 100]);
});

Deno.test("least_conn spares the server whose requests take long", async () => {
  await using slow = backend("slow", async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return new Response("slow");
  });
  await using fast = backend("fast");
  await using proxy = startProxy(
    toGroup([slow, fast], { balance: "least_conn" }),
  );
  await load(proxy.url, 300);
  // In turn each would have half of them.
  ok(slow.seen.length < 75, String(slow.seen.length));
});

Deno.test("ip_hash and hash keep a client, or a key, at its server", async () => {
  for (
    const [balance, header] of [["ip_hash", "x-forwarded-for"], [
      "hash $http_x_key",
      "x-key",
    ], ["hash $http_x_key consistent", "x-key"]] as const
  ) {
    await using it = backends(4);
    await using proxy = startProxy({
      ...toGroup(it.all, { balance }),
      trusted_proxies: ["127.0.0.1"],
    });
    const keys = Array.from(
      { length: 40 },
      (_, i) => `10.${i * 7 % 256}.${i * 13}.9`,
    );
    const init = (i: number) => ({ headers: { [header]: keys[i % 40]! } });
    const answers = await load(proxy.url, 120, init);
    for (let i = 0; i < 40; i++) {
      equal(answers[i], answers[i + 40], balance);
      equal(answers[i], answers[i + 80], balance);
    }
    ok(it.counts().every((count) => count > 0), `${balance} ${it.counts()}`);
  }
});

Deno.test("random two shares about evenly", async () => {
  await using it = backends(4);
  await using proxy = startProxy(toGroup(it.all, { balance: "random two" }));
  await load(proxy.url, 400);
  for (const count of it.counts()) {
    ok(count > 60 && count < 140, String(it.counts()));
  }
});

Deno.test("a sticky cookie is set once, and keeps its browser at one server until that is down", async () => {
  await using it = backends(3);
  const [a, b, c] = it.all;
  await using proxy = startProxy(toGroup([a!, b!, c!], { sticky: "route" }));
  const visit = async (cookie: string | null) => {
    const response = await fetch(proxy.url, {
      headers: cookie === null ? {} : { cookie: `theme=dark; ${cookie}` },
    });
    const [set, ...more] = response.headers.getSetCookie();
    deepStrictEqual(more, []);
    return { server: await response.text(), set: set ?? null };
  };
  const first = await visit(null);
  match(
    first.set ?? "",
    /^route=[0-9a-f]{16}; Path=\/; HttpOnly; SameSite=Lax$/,
  );
  const cookie = first.set!.split(";")[0]!;
  for (let i = 0; i < 6; i++) {
    // Somebody else comes in between.
    await visit(null);
    deepStrictEqual(await visit(cookie), { server: first.server, set: null });
  }
  const own = it.all.find(({ name }) => name === first.server)!;
  await own[Symbol.asyncDispose]();
  const moved = await visit(cookie);
  ok(moved.server !== first.server);
  ok(moved.set !== null && !moved.set.startsWith(cookie));
  const second = moved.set.split(";")[0]!;
  for (let i = 0; i < 3; i++) {
    deepStrictEqual(await visit(second), { server: moved.server, set: null });
  }
});

Deno.test("a sticky cookie stands beside the server's own, and is not set again where there is one server", async () => {
  await using only = backend(
    "only",
    () =>
      new Response("only", {
        headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]],
      }),
  );
  await using proxy = startProxy(toGroup([only], { sticky: "route" }));
  const response = await fetch(proxy.url);
  await response.body?.cancel();
  const [a, b, route] = response.headers.getSetCookie();
  deepStrictEqual([a, b], ["a=1", "b=2"]);
  const again = await fetch(proxy.url, {
    headers: { cookie: route!.split(";")[0]! },
  });
  await again.body?.cancel();
  deepStrictEqual(again.headers.getSetCookie(), ["a=1", "b=2"]);
});
