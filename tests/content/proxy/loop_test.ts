/**
 * A proxy that is reached through itself.
 *
 * @module
 */
import { match, ok, strictEqual as equal } from "node:assert/strict";
import { ask, backend, freePort, toGroup } from "../../support/backends.ts";
import { startProxy } from "../../support/proxy.ts";

Deno.test("a proxy_pass to the proxy's own listener is a 508 that names it", async () => {
  const port = freePort();
  await using proxy = startProxy({
    listen: `127.0.0.1:${port}`,
    dev: true,
    locations: { "/": `http://127.0.0.1:${port}` },
  });
  const said = await ask(`http://127.0.0.1:${port}/a?b=c`, {
    headers: { accept: "text/plain" },
  }).catch((cause) => {
    throw new Error(proxy.errors.join("\n"), { cause });
  });
  match(said, /^508 508 Loop Detected: This request leads to itself\./);
  match(said, new RegExp(`proxy_pass http://127.0.0.1:${port} of location /`));
  equal(proxy.errors.length, 1);
  match(proxy.errors[0] ?? "", /^508 \/: proxy_pass .* leads back/);
});

Deno.test("a loop through another proxy is seen too", async () => {
  const port = freePort();
  await using other = backend(
    "other",
    ({ target, headers }) =>
      fetch(`http://127.0.0.1:${port}${target}`, {
        headers: { "x-request-id": headers.get("x-request-id") ?? "" },
      }),
  );
  await using proxy = startProxy({
    ...toGroup([other]),
    listen: `127.0.0.1:${port}`,
  });
  match(await ask(`http://127.0.0.1:${port}/`), /^508 /);
  ok(proxy.errors.some((line) => line.startsWith("508 /")));
});

Deno.test("a backend's own calls with the id of its request are no loop", async () => {
  const port = freePort();
  await using service = backend("one", async ({ target, headers }) => {
    const depth = Number(target.slice(1));
    if (depth === 0) return new Response("bottom");
    const id = headers.get("x-request-id") ?? "";
    // Twice the same at once, and deeper each time.
    const calls = [1, 2].map(() =>
      ask(`http://127.0.0.1:${port}/${depth - 1}`, {
        headers: { "x-request-id": id },
      })
    );
    return new Response((await Promise.all(calls)).join());
  });
  await using proxy = startProxy({
    ...toGroup([service]),
    listen: `127.0.0.1:${port}`,
  });
  const said = await ask(`http://127.0.0.1:${port}/4`);
  equal(said.match(/bottom/g)?.length, 16);
  equal(proxy.errors.length, 0);
});

Deno.test("requests of one id are no loop once they are answered", async () => {
  await using service = backend("one");
  await using proxy = startProxy(toGroup([service]));
  const headers = { "x-request-id": "always-the-same" };
  for (let i = 0; i < 150; i++) {
    equal(await ask(proxy.url, { headers }), "200 one");
  }
});
