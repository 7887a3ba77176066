import assert from "node:assert/strict";
import { startProxy } from "../support/proxy.ts";

/** A server whose health can be set, and that tells of each check. */
function patient(name: string) {
  let status = 200;
  let hang = false;
  let checks = 0;
  let heads: Headers | null = null;
  const news = new EventTarget();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
  }, async (request) => {
    if (new URL(request.url).pathname !== "/health") return new Response(name);
    checks++;
    heads = request.headers;
    news.dispatchEvent(new Event("check"));
    if (hang) {
      await new Promise((resolve) =>
        request.signal.addEventListener("abort", resolve)
      );
    }
    return new Response(status === 204 ? null : "how I am", { status });
  });
  return {
    address: `127.0.0.1:${server.addr.port}`,
    set(next: number | "hang") {
      hang = next === "hang";
      if (next !== "hang") status = next;
    },
    get heads() {
      return heads;
    },
    async checked(count: number) {
      const end = checks + count;
      while (checks < end) {
        await new Promise((resolve) =>
          news.addEventListener("check", resolve, { once: true })
        );
      }
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function proxyTo(addresses: string[], check: Record<string, unknown>) {
  return startProxy({
    upstreams: {
      group: {
        servers: addresses,
        health_check: { path: "/health", interval: "20ms", ...check },
      },
    },
    locations: { "/": "http://group" },
  });
}

/** Who answers so many requests. */
async function answers(url: string, count: number): Promise<Set<string>> {
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const response = await fetch(url);
    names.add(`${response.status} ${await response.text()}`);
  }
  return names;
}

Deno.test("a server that fails its checks is left out until it passes them", async () => {
  await using a = patient("a");
  await using b = patient("b");
  await using proxy = proxyTo([a.address, b.address], { fails: 2, passes: 2 });
  assert.deepEqual(await answers(proxy.url, 6), new Set(["200 a", "200 b"]));
  a.set(500);
  // One more, so that the answer to the second has been seen.
  await a.checked(3);
  assert.deepEqual(await answers(proxy.url, 6), new Set(["200 b"]));
  a.set(204);
  await a.checked(3);
  assert.deepEqual(await answers(proxy.url, 6), new Set(["200 a", "200 b"]));
  assert.equal(a.heads?.get("host"), "group");
  assert.equal(a.heads?.get("user-agent"), "sameorigin health check");
});

Deno.test("a server that does not answer its checks in time is left out", async () => {
  await using a = patient("a");
  await using b = patient("b");
  // So long that the other server answers in time on a busy machine too.
  await using proxy = proxyTo([a.address, b.address], { timeout: "300ms" });
  a.set("hang");
  await a.checked(2);
  assert.deepEqual(await answers(proxy.url, 6), new Set(["200 b"]));
});

Deno.test("only the statuses that are named pass", async () => {
  await using a = patient("a");
  await using b = patient("b");
  await using proxy = proxyTo([a.address, b.address], {
    status: [200, "418-420"],
  });
  a.set(419);
  b.set(204);
  await Promise.all([a.checked(2), b.checked(2)]);
  assert.deepEqual(await answers(proxy.url, 4), new Set(["200 a"]));
});

Deno.test("where all are unhealthy there is a 502, and no server is asked", async () => {
  await using a = patient("a");
  await using proxy = proxyTo([a.address], {});
  a.set(503);
  await a.checked(2);
  const response = await fetch(proxy.url);
  assert.equal(response.status, 502);
  await response.body?.cancel();
});
