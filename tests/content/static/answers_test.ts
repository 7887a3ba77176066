/**
 * Files together with what rewrites requests and changes answers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { backend } from "../../support/backends.ts";
import { makeFolder } from "../../support/folder.ts";
import { startProxy } from "../../support/proxy.ts";

async function get(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  return { response, headers: response.headers, body: await response.text() };
}

Deno.test("a file gets added headers, and is compressed where it is not yet", async () => {
  const small = "small ".repeat(500);
  const large = "large ".repeat(50_000);
  await using folder = await makeFolder({
    "small.txt": small,
    "large.txt": large,
    "stored.txt": "plain".repeat(500),
    "stored.txt.gz": "stored",
  });
  await using proxy = startProxy({
    root: folder.path,
    gzip: true,
    gzip_types: "text/plain",
    gzip_static: true,
    add_header: { "X-Added": "yes" },
    locations: { "/": { add_header: { "Cache-Control": "immutable" } } },
  });
  for (const [name, text] of [["small", small], ["large", large]] as const) {
    const url = `${proxy.url}/${name}.txt`;
    const { headers, body } = await get(url, { "accept-encoding": "gzip" });
    assert.equal(body, text);
    assert.equal(headers.get("cache-control"), "immutable");
    assert.match(headers.get("etag") ?? "", /^W\//);
    assert.equal(headers.get("vary"), "Accept-Encoding");
    const part = await get(url, {
      "accept-encoding": "gzip",
      range: "bytes=0-1",
    });
    assert.equal(part.response.status, 206);
    assert.equal(part.body, text.slice(0, 2));
  }
  const stored = await fetch(`${proxy.url}/stored.txt`, {
    method: "HEAD",
    headers: { "accept-encoding": "gzip" },
  });
  assert.equal(stored.headers.get("content-length"), "6");
  assert.equal(stored.headers.get("vary"), "Accept-Encoding");
});

Deno.test("a file is the page of an error, whole, whatever the client has of it", async () => {
  await using folder = await makeFolder({ "404.html": "not here" });
  await using proxy = startProxy({
    root: folder.path,
    error_page: { 404: "/404.html" },
    locations: { "/": {}, "= /404.html": { internal: true } },
  });
  for (
    const headers of [
      {},
      { "if-none-match": "*" },
      { "if-match": '"x"' },
      { range: "bytes=0-1" },
    ] as Record<string, string>[]
  ) {
    const { response, body } = await get(`${proxy.url}/nothing`, headers);
    assert.equal(response.status, 404, JSON.stringify(headers));
    assert.equal(body, "not here");
  }
  assert.equal((await get(`${proxy.url}/404.html`)).response.status, 404);
});

Deno.test("an upstream leads to a file with X-Accel-Redirect, in parts too", async () => {
  await using folder = await makeFolder({ "files/a.txt": "0123456789" });
  await using app = backend("app", () =>
    new Response("", {
      headers: {
        "x-accel-redirect": "/files/a.txt",
        "content-type": "text/x-mine",
      },
    }));
  await using proxy = startProxy({
    root: folder.path,
    locations: {
      "/": { proxy_pass: `http://${app.address}` },
      "/files/": { internal: true },
    },
  });
  const { response, headers, body } = await get(`${proxy.url}/download`, {
    range: "bytes=2-4",
  });
  assert.equal(response.status, 206);
  assert.equal(body, "234");
  assert.equal(headers.get("content-type"), "text/x-mine");
  assert.equal((await get(`${proxy.url}/files/a.txt`)).response.status, 404);
});

Deno.test("a rewritten path is looked for in the folder, and in no other", async () => {
  await using folder = await makeFolder({
    "www/v2/a.txt": "rewritten",
    "secret.txt": "secret",
  });
  await using proxy = startProxy({
    root: `${folder.path}/www`,
    locations: {
      "/v1/": { rewrite: "^/v1/(.*)$ /v2/$1 break" },
      "/only/": { rewrite: "^/only/x$ /v2/a.txt last" },
      "/v2/": {},
      "/up/": { rewrite: "^/up/(.*)$ /v2/$arg_a break" },
    },
  });
  assert.equal((await get(`${proxy.url}/v1/a.txt`)).body, "rewritten");
  assert.equal((await get(`${proxy.url}/only/x`)).body, "rewritten");
  assert.equal((await get(`${proxy.url}/only/y`)).response.status, 404);
  const { response } = await get(`${proxy.url}/up/x?a=../../secret.txt`);
  assert(response.status >= 400);
});
