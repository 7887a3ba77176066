import { match, rejects, strictEqual as equal } from "node:assert/strict";
import { ask, backend, freePort, toGroup } from "../../support/backends.ts";
import { startProxy } from "../../support/proxy.ts";

/** How a page of Vite 4 or 5 asks whether Vite is back. */
const PING = { headers: { accept: "text/x-vite-ping" } };

Deno.test("Vite's ping is a network error while Vite is down, and nothing else is", async () => {
  const port = freePort();
  await using proxy = startProxy(toGroup([port]));
  // A page takes any answer for a yes, a 502 as well.
  await rejects(fetch(proxy.url, PING), TypeError);
  match(proxy.errors.at(-1) ?? "", /^502 \/: .*nothing listens there/);
  match(await ask(proxy.url), /^502 /);
  match(await ask(proxy.url, { headers: { accept: "*/*" } }), /^502 /);
  await using vite = backend("vite", undefined, port);
  equal(await ask(proxy.url, PING), "200 vite");
  equal(vite.seen.length, 1);
});

Deno.test("Vite's ping is held for wait_for_upstream, as any request", async () => {
  const port = freePort();
  await using proxy = startProxy({
    ...toGroup([port]),
    wait_for_upstream: "10s",
  });
  const ping = ask(proxy.url, PING);
  await using _ = backend("vite", undefined, port);
  equal(await ping, "200 vite");
});
