/**
 * `rewrite`, `error_page` and what goes with them over real connections: what
 * the comparison with nginx (tests/e2e/nginx_answers_test.ts) does not show.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { ask, backend, freePort } from "../support/backends.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";

Deno.test("a WebSocket passes through rewrite, add_header and gzip", async () => {
  await using server = echoUpstream();
  await using proxy = startProxy({
    gzip: "on",
    gzip_types: "*",
    add_header: { "X-A": ["b", "always"] },
    locations: {
      "/old/": { rewrite: "^/old/(.*)$ /new/$1 last" },
      "/new/": `http://127.0.0.1:${server.port}`,
    },
  });
  const client = await echoClient(`${proxy.url}/old/socket`);
  equal(await client.echo("hello"), "hello");
  await client.close();
});

Deno.test("an upload goes with the rewritten request", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    locations: {
      "/old/": {
        rewrite: "^/old/(.*)$ /new/$1 break",
        proxy_pass: `http://${server.address}`,
      },
    },
  });
  const body = "x".repeat(300_000);
  equal(
    await ask(`${proxy.url}/old/a?b=c`, { method: "PUT", body }),
    "200 a",
  );
  const [seen] = server.seen;
  equal(seen?.method, "PUT");
  equal(seen?.target, "/new/a?b=c");
  equal(seen?.body, body);
});

Deno.test("an upstream that is down has the page of the config, asked for with GET", async () => {
  await using pages = backend("the page");
  const down = freePort();
  await using proxy = startProxy({
    error_page: { 502: "/50x.html" },
    locations: {
      "/": `http://127.0.0.1:${down}`,
      "= /50x.html": {
        proxy_pass: `http://${pages.address}`,
        internal: true,
      },
    },
  });
  const body = "x".repeat(100_000);
  equal(
    await ask(`${proxy.url}/a`, { method: "POST", body }),
    "502 the page",
  );
  deepStrictEqual(
    pages.seen.map(({ method, target, body }) => [method, target, body]),
    [["GET", "/50x.html", ""]],
  );
  match(await ask(`${proxy.url}/50x.html`), /^404 /);
  await proxy.log.flush();
  match(proxy.lines[0] ?? "", /"POST \/a HTTP/);
});

Deno.test("a page that fails itself is the proxy's own", async () => {
  const down = freePort();
  await using proxy = startProxy({
    error_page: { "404 502": "/50x.html" },
    locations: { "/": `http://127.0.0.1:${down}` },
  });
  match(await ask(`${proxy.url}/a`), /^502 /);
});

Deno.test("a request that is too early has its page, and is counted once", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    error_page: { 429: "/slow.html" },
    limit_req: { rate: "1r/m", burst: 1, nodelay: true },
    locations: {
      "/": `http://${server.address}`,
      "= /slow.html": `http://${server.address}`,
      "= /none": { return: 404 },
    },
  });
  equal(await ask(proxy.url), "200 a");
  equal(await ask(proxy.url), "200 a");
  equal(await ask(proxy.url), "429 a");
  equal(server.seen.at(-1)?.target, "/slow.html");
});

Deno.test("a page is guarded as any request, and has no page itself", async () => {
  await using proxy = startProxy({
    error_page: { 403: "/no.html" },
    access: [{ deny: "all" }],
    locations: { "/": "http://127.0.0.1:1234" },
  });
  match(await ask(`${proxy.url}/a`), /^403 /);
});

Deno.test("X-Accel-Redirect leads to an internal location, and to no other server", async () => {
  await using files = backend("a file");
  await using app = backend("app", ({ target }) =>
    new Response("hidden", {
      headers: {
        "x-accel-redirect": new URLSearchParams(target.split("?")[1])
          .get("to") ?? "",
        "set-cookie": "a=b",
        "content-disposition": "attachment",
      },
    }));
  await using proxy = startProxy({
    locations: {
      "/": `http://${app.address}`,
      "/files/": { proxy_pass: `http://${files.address}`, internal: true },
    },
  });
  const to = (uri: string) =>
    fetch(`${proxy.url}/?to=${encodeURIComponent(uri)}`);
  const found = await to("/files/%61");
  equal(`${found.status} ${await found.text()}`, "200 a file");
  equal(found.headers.get("set-cookie"), "a=b");
  equal(found.headers.get("content-disposition"), "attachment");
  equal(files.seen[0]?.target, "/files/a");
  for (
    const uri of [
      ...["http://b.example/files/a", "files/a", "", "/files/../a"],
      ...["/files/%2e%2e/a", "/files/%00", "/files/%zz"],
    ]
  ) {
    const refused = await to(uri);
    ok([404, 500].includes(refused.status), `${uri}: ${refused.status}`);
    ok(!(await refused.text()).includes("hidden"));
  }
  equal(files.seen.length, 1);
});

Deno.test("an answer to auth_request that only leads elsewhere lets nobody pass", async () => {
  await using app = backend(
    "app",
    ({ target }) =>
      target === "/auth"
        ? new Response(null, { headers: { "x-accel-redirect": "/free" } })
        : new Response("secret"),
  );
  await using proxy = startProxy({
    locations: {
      "/": { proxy_pass: `http://${app.address}`, auth_request: "/auth" },
      "= /auth": { proxy_pass: `http://${app.address}`, internal: true },
      "= /free": { return: 200 },
    },
  });
  match(await ask(`${proxy.url}/`), /^500 /);
  deepStrictEqual(app.seen.map(({ target }) => target), ["/auth"]);
});

Deno.test("no path makes a rewrite take long", async () => {
  await using proxy = startProxy({
    locations: {
      "/": {
        rewrite: ["^/(a+)+$ /b", "^/d/(.*)/m/(.*)\\..*$ /e/$1/$2 redirect"],
        return: "200 passed",
      },
    },
  });
  const started = performance.now();
  equal(await ask(`${proxy.url}/${"a".repeat(40)}b`), "200 passed");
  equal(await ask(`${proxy.url}/d/${"/m/".repeat(2000)}`), "200 passed");
  const redirected = await fetch(`${proxy.url}/d/x/m/y.mp3`, {
    redirect: "manual",
  });
  await redirected.body?.cancel();
  match(redirected.headers.get("location") ?? "", /\/e\/x\/y$/);
  // V8 takes hours for the first.
  ok(performance.now() - started < 5_000);
});

Deno.test("a circle of rewrites ends", async () => {
  await using proxy = startProxy({
    locations: {
      "/a": { rewrite: "^/a(.*)$ /b$1 last" },
      "/b": { rewrite: "^/b(.*)$ /a$1 last" },
    },
  });
  match(await ask(`${proxy.url}/a`), /^500 /);
});

Deno.test("an invalid request has the headers and pages of its server", async () => {
  await using proxy = startProxy({
    add_header: { "X-A": ["b", "always"] },
    error_page: { 400: "/400.html" },
    locations: { "= /400.html": { return: "200 a page" } },
  });
  const answer = await rawExchange(
    proxy.port,
    "GET /%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
  );
  match(answer, /^HTTP\/1\.1 400 /);
  match(answer, /\r\nx-a: b\r\n/i);
  match(answer, /\r\n\r\na page$/);
});

Deno.test("files have pages, headers and compression as any other answer", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/a.css`, "a { color: red }\n".repeat(100));
    await Deno.writeTextFile(`${dir}/404.html`, "nothing here");
    await using proxy = startProxy({
      root: dir,
      error_page: { 404: "/404.html" },
      add_header: { "X-A": "b", "X-B": ["c", "always"] },
      gzip: "on",
      gzip_types: "text/css",
      locations: {
        "/": {},
        "/old/": { rewrite: "^/old/(.*)$ /$1 last" },
      },
    });
    const style = await fetch(`${proxy.url}/old/a.css`, {
      headers: { "accept-encoding": "gzip" },
    });
    equal((await style.text()).length, 1700);
    equal(style.headers.get("vary"), "Accept-Encoding");
    match(style.headers.get("etag") ?? "", /^W\//);
    equal(style.headers.get("x-a"), "b");
    const missing = await fetch(`${proxy.url}/none`);
    equal(`${missing.status} ${await missing.text()}`, "404 nothing here");
    equal(missing.headers.get("x-a"), null);
    equal(missing.headers.get("x-b"), "c");
    const part = await fetch(`${proxy.url}/a.css`, {
      headers: { "accept-encoding": "gzip", "range": "bytes=0-3" },
    });
    equal(`${part.status} ${await part.text()}`, "206 a { ");
    equal(part.headers.get("content-encoding"), null);
    const method = await fetch(`${proxy.url}/none`, { method: "HEAD" });
    equal(method.status, 404);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
