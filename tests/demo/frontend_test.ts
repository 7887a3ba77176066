import assert from "node:assert/strict";
import { startFrontend } from "../../demo/frontend.ts";
import { loadPlan } from "../../lib/config/load.ts";
import { findLocation } from "../../lib/route/location.ts";
import { disposable } from "./support.ts";

/** The paths that a page or a script loads. */
function loaded(text: string): string[] {
  const assets = text.matchAll(
    /<(?:script|link|img)[^>]* (?:src|href)="([^"]+)"/g,
  );
  const imports = text.matchAll(/^import .* from "([^"]+)"/gm);
  return [...assets, ...imports].map(([, path = ""]) => path);
}

Deno.test("all that the page loads is there, is the frontend's by config.yaml, and comes from nowhere else", async () => {
  const config = new URL("../../config.yaml", import.meta.url);
  const [listener] = loadPlan(await Deno.readTextFile(config), {
    source: "config.yaml",
    env: () => undefined,
  }).listeners;
  const [server] = listener?.servers.servers ?? [];
  assert.ok(server);
  await using frontend = disposable(startFrontend());
  const origin = `http://${frontend.address}`;
  const urls = new Set([`${origin}/`]);
  for (const url of urls) {
    const { pathname } = new URL(url);
    assert.ok(url.startsWith(origin), url);
    assert.equal(
      findLocation(server.locations, pathname)?.location.key,
      "/",
      pathname,
    );
    const response = await fetch(url);
    assert.equal(response.status, 200, url);
    const text = await response.text();
    // The client is one file: what looks like an import there is none.
    if (pathname === "/centrifuge.js") continue;
    for (const path of loaded(text)) urls.add(new URL(path, url).href);
  }
  const names = [...urls].map((url) => new URL(url).pathname);
  for (const name of ["/app.js", "/room.js", "/style.css", "/centrifuge.js"]) {
    assert.ok(names.includes(name), name);
  }
});

Deno.test("the centrifuge client is the package's own, and sets the global that the page takes it from", async () => {
  await using frontend = disposable(startFrontend());
  const response = await fetch(`http://${frontend.address}/centrifuge.js`);
  assert.equal(
    response.headers.get("content-type"),
    "text/javascript; charset=utf-8",
  );
  const script = await response.text();
  const page: { Centrifuge?: { new (url: string): { state: string } } } = Object
    .create(globalThis);
  new Function("globalThis", script)(page);
  assert.ok(page.Centrifuge);
  const client = new page.Centrifuge("ws://localhost/connection/websocket");
  assert.equal(client.state, "disconnected");
});

Deno.test("the page may load nothing from elsewhere and be framed by nobody", async () => {
  await using frontend = disposable(startFrontend());
  const response = await fetch(`http://${frontend.address}/`);
  const html = await response.text();
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  // What the policy would block anyway.
  assert.doesNotMatch(html, /<script>|<style>| style=| on\w+=/);
});

Deno.test("other paths and methods are refused", async () => {
  await using frontend = disposable(startFrontend());
  const elsewhere = new URL(
    "../../demo/backend/static/admin.css",
    import.meta.url,
  );
  const cases: [string, string, number][] = [
    // An absolute path behind the path's own slash.
    ["GET", `/${elsewhere.pathname}`, 404],
    ["GET", "/none.js", 404],
    ["GET", "/..%2fbackend.ts", 404],
    ["GET", "/page/app.js", 404],
    ["GET", "/APP.JS", 404],
    ["HEAD", "/", 200],
    ["POST", "/", 405],
  ];
  for (const [method, path, status] of cases) {
    const response = await fetch(`http://${frontend.address}${path}`, {
      method,
    });
    await response.body?.cancel();
    assert.equal(response.status, status, `${method} ${path}`);
  }
});
