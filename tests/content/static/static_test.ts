/**
 * Files over the wire: what nginx can't be compared for.
 *
 * @module
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { Absent, Folders } from "../../../lib/content/static/folders.ts";
import { serveFiles } from "../../../lib/content/static/static.ts";
import { LocalResponse } from "../../../lib/exchange/local_response.ts";
import { located } from "../../request/exchange_fixture.ts";
import { makeFolder } from "../../support/folder.ts";
import { startProxy, type TestProxy } from "../../support/proxy.ts";
import { rawClient, rawExchange } from "../../support/raw_upstream.ts";

/** Larger than what the system keeps for a client that does not read. */
const BIG = 20_000_000;

/** There are no links for everybody, no pipes, and no line breaks in names. */
const ignore = Deno.build.os === "windows";

async function get(
  url: string,
  headers: Record<string, string> = {},
  method = "GET",
) {
  const response = await fetch(url, { method, headers, redirect: "manual" });
  const body = await response.text();
  return { response, status: response.status, headers: response.headers, body };
}

/** Waits for so many lines of the access log. */
async function logged({ log, lines }: TestProxy, count: number) {
  while (lines.length < count) {
    await log.flush();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("a client gets the compressed file that it likes best, and caches learn that", async () => {
  await using folder = await makeFolder({
    "a.js": "plain",
    "a.js.br": "brotli",
    "a.js.gz": "gzip",
    "b.js": "plain",
    "b.js.gz": "gzip",
    "c.js": "plain",
    "d.js": "plain",
    "d.js.br/x": "a folder",
  });
  await using proxy = startProxy({
    root: folder.path,
    gzip_static: true,
    brotli_static: true,
    locations: { "/": {}, "= /one": { alias: `${folder.path}/a.js` } },
  });
  const ask = async (path: string, accepted: string) => {
    const answer = await rawExchange(
      proxy.port,
      `GET ${path} HTTP/1.1\r\nhost: x\r\naccept-encoding: ${accepted}\r\n` +
        "connection: close\r\n\r\n",
    );
    const field = (name: string) =>
      new RegExp(`\r\n${name}: (.*)\r\n`, "i").exec(answer)?.[1] ?? null;
    assert.match(field("content-type") ?? "", /^text\/javascript/);
    const [, body] = answer.split("\r\n\r\n");
    return [body, field("content-encoding"), field("vary")];
  };
  const vary = "Accept-Encoding";
  for (
    const [path, accepted, ...expected] of [
      ["/a.js", "gzip, deflate, br, zstd", "brotli", "br", vary],
      ["/a.js", "br;q=0.5, gzip", "gzip", "gzip", vary],
      ["/a.js", "gzip", "gzip", "gzip", vary],
      ["/a.js", "br;q=0, gzip;q=0", "plain", null, vary],
      ["/a.js", "", "plain", null, vary],
      ["/b.js", "gzip, br", "gzip", "gzip", vary],
      ["/b.js", "br", "plain", null, vary],
      ["/c.js", "gzip, br", "plain", null, null],
      ["/d.js", "gzip, br", "plain", null, null],
      ["/one", "br", "brotli", "br", vary],
    ] as const
  ) {
    assert.deepEqual(
      await ask(path, accepted),
      expected,
      `${path} ${accepted}`,
    );
  }
});

Deno.test("a large file comes whole, in each of its parts, and to a HEAD only by its length", async () => {
  const bytes = new Uint8Array(BIG).map((_, i) => i * 7 + (i >> 8));
  await using folder = await makeFolder({ "big.bin": bytes });
  await using proxy = startProxy({
    root: folder.path,
    locations: { "/": {} },
  });
  const url = `${proxy.url}/big.bin`;
  const whole = await fetch(url);
  assert.equal(whole.headers.get("content-type"), "application/octet-stream");
  assert.deepEqual(await whole.bytes(), bytes);
  for (
    const [range, start, end] of [
      ["bytes=100000-", 100_000, BIG],
      ["bytes=-5000000", BIG - 5_000_000, BIG],
      ["bytes=1000-9000000", 1000, 9_000_001],
      ["bytes=19999999-", BIG - 1, BIG],
    ] as const
  ) {
    const part = await fetch(url, { headers: { range } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get("content-length"), String(end - start));
    assert.deepEqual(await part.bytes(), bytes.subarray(start, end), range);
  }
  const { headers, body } = await get(url, {}, "HEAD");
  assert.equal(headers.get("content-length"), String(BIG));
  assert.equal(body, "");
});

Deno.test("a client that leaves in the middle of a file leaves nothing open", async () => {
  await using folder = await makeFolder({ "big.bin": new Uint8Array(BIG) });
  await using proxy = startProxy({
    root: folder.path,
    locations: { "/": {} },
  });
  // The whole, its end, a part, and several: each is sent in another way.
  for (
    const range of [
      "x",
      "bytes=99-",
      "bytes=9-19000000",
      "bytes=0-1,9-19000000",
    ]
  ) {
    const client = await rawClient(proxy.port);
    await client.write(
      `GET /big.bin HTTP/1.1\r\nhost: x\r\nrange: ${range}\r\n\r\n`,
    );
    assert.match(await client.readHead(), /^HTTP\/1\.1 20[06] /);
    client.close();
  }
  // The test's own check of resources does the rest; the log is written once
  // all have ended.
  await logged(proxy, 4);
});

Deno.test("a file that has become shorter breaks its response off", async () => {
  await using folder = await makeFolder({ "big.bin": new Uint8Array(BIG) });
  await using proxy = startProxy({
    root: folder.path,
    locations: { "/": {} },
  });
  for (const range of ["bytes=0-", "bytes=0-19000000"]) {
    await Deno.truncate(`${folder.path}/big.bin`, BIG);
    const response = await fetch(`${proxy.url}/big.bin`, {
      headers: { range },
    });
    await Deno.truncate(`${folder.path}/big.bin`, 1000);
    await assert.rejects(response.bytes());
  }
});

Deno.test("a file that has grown since is sent as long as it was said to be", async () => {
  await using folder = await makeFolder({ "big.log": new Uint8Array(BIG) });
  await using proxy = startProxy({
    root: folder.path,
    locations: { "/": {} },
  });
  const response = await fetch(`${proxy.url}/big.log`);
  const file = await Deno.open(`${folder.path}/big.log`, { append: true });
  await file.write(new Uint8Array(1000));
  file.close();
  assert.equal((await response.bytes()).length, BIG);
  assert.equal((await get(`${proxy.url}/big.log`)).body.length, BIG + 1000);
});

Deno.test("by HTTP/2 a file that is written to is sent as long as it was, too", async () => {
  await using folder = await makeFolder({ "big.log": new Uint8Array(BIG) });
  await using proxy = startProxy({
    root: folder.path,
    locations: { "/": {} },
  });
  const session = connect(proxy.url);
  try {
    for (const range of ["none", "bytes=5-"]) {
      const { size } = await Deno.stat(`${folder.path}/big.log`);
      const stream = session.request({ ":path": "/big.log", range });
      await once(stream, "response");
      await Deno.writeFile(`${folder.path}/big.log`, new Uint8Array(1000), {
        append: true,
      });
      let length = 0;
      for await (const chunk of stream) length += chunk.length;
      assert.equal(length, range === "none" ? size : size - 5);
    }
  } finally {
    session.destroy();
  }
});

Deno.test(
  "a link that is moved to another release is followed at the next request",
  { ignore },
  async () => {
    await using folder = await makeFolder({
      "1/index.html": "one",
      "2/index.html": "two",
    }, { current: "1" });
    await using proxy = startProxy({
      root: `${folder.path}/current`,
      locations: { "/": {} },
    });
    assert.equal((await get(proxy.url)).body, "one");
    await Deno.symlink("2", `${folder.path}/next`);
    await Deno.rename(`${folder.path}/next`, `${folder.path}/current`);
    assert.equal((await get(proxy.url)).body, "two");
  },
);

Deno.test("a folder that is made after the start is served", async () => {
  await using folder = await makeFolder({});
  await using proxy = startProxy({
    root: `${folder.path}/dist`,
    locations: { "/": {} },
  });
  assert.equal((await get(proxy.url)).status, 404);
  await Deno.mkdir(`${folder.path}/dist`);
  await Deno.writeTextFile(`${folder.path}/dist/index.html`, "built");
  assert.equal((await get(proxy.url)).body, "built");
});

Deno.test("what is no regular file is not opened, and not waited for", {
  ignore,
}, async () => {
  await using folder = await makeFolder({});
  await new Deno.Command("mkfifo", { args: [`${folder.path}/pipe`] }).output();
  await using proxy = startProxy({
    root: folder.path,
    locations: { "/": {} },
  });
  assert.equal((await get(`${proxy.url}/pipe`)).status, 404);
});

Deno.test("an internal redirect goes by the settings and limits of where it leads", async () => {
  await using folder = await makeFolder({ "index.html": "app" });
  await using proxy = startProxy({
    root: folder.path,
    limit_conn: 1,
    locations: {
      "/": { try_files: "$uri /index.html", limit_conn: 1 },
      "= /index.html": { expires: -1, limit_conn: 1 },
    },
  });
  // As often as it takes to run out of places, were one kept.
  for (const path of ["deep/route", "", "index.html", "deep/route"]) {
    const { status, headers, body } = await get(`${proxy.url}/${path}`);
    assert.deepEqual([status, body], [200, "app"], path);
    assert.equal(headers.get("cache-control"), "no-cache");
  }
});

Deno.test("a request is counted once, however often it is redirected internally", async () => {
  await using folder = await makeFolder({ "index.html": "app" });
  await using proxy = startProxy({
    root: folder.path,
    limit_req: { rate: "1r/m", burst: 2, nodelay: true },
    locations: {
      "/": { try_files: "$uri /" },
      "= /": { try_files: "/index.html =404" },
    },
  });
  const statuses = [];
  for (let i = 0; i < 4; i++) {
    statuses.push((await get(`${proxy.url}/deep`)).status);
  }
  assert.deepEqual(statuses, [200, 200, 200, 429]);
});

Deno.test("an internal redirect is let in by the location that it leads to", async () => {
  await using folder = await makeFolder({
    "index.html": "app",
    "inside.html": "inside",
  });
  await using proxy = startProxy({
    root: folder.path,
    locations: {
      "/": { try_files: "$uri /index.html" },
      "= /index.html": { access: [{ deny: "all" }] },
      "/in/": { try_files: "/nothing /inside.html" },
      "= /inside.html": { internal: true },
    },
  });
  assert.equal((await get(`${proxy.url}/deep`)).status, 403);
  assert.equal((await get(`${proxy.url}/in/`)).body, "inside");
  assert.equal((await get(`${proxy.url}/inside.html`)).status, 404);
});

Deno.test("try_files leads to an upstream, with the request's method and body", async () => {
  await using folder = await makeFolder({ "a.txt": "file" });
  await using backend = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) =>
      new Response(
        `${request.method} ${new URL(request.url).pathname} ${await request
          .text()}`,
      ),
  );
  await using proxy = startProxy({
    root: folder.path,
    locations: {
      "/": { try_files: "$uri /app$uri?$args" },
      "/app/": { proxy_pass: `http://127.0.0.1:${backend.addr.port}` },
    },
  });
  assert.equal((await get(`${proxy.url}/a.txt`)).body, "file");
  assert.equal((await get(`${proxy.url}/b%20c?d`)).body, "GET /app/b%20c ");
  const posted = await fetch(`${proxy.url}/b`, {
    method: "POST",
    body: "text",
  });
  assert.equal(await posted.text(), "POST /app/b text");
});

Deno.test("clients are not told what is on the disk, developers are", async () => {
  await using folder = await makeFolder({ "dir/a": "" });
  for (const dev of [false, true]) {
    await using proxy = startProxy({
      dev,
      root: folder.path,
      locations: { "/": {} },
    });
    for (const path of ["nothing", "dir/", ".env"]) {
      const { body, status } = await get(`${proxy.url}/${path}`);
      assert.equal(status, path === "dir/" ? 403 : 404);
      const tells = dev && path !== ".env";
      assert.equal(body.includes(folder.path), tells, body);
    }
  }
});

Deno.test("a file that the system can't open is a 500, told in one line", {
  ignore,
}, () => {
  class Broken extends Folders {
    override find(folder: string, name: string): Absent {
      return new Absent(500, `${folder}/${name} can't be read: too many files`);
    }
  }
  const { exchange, result } = located(
    { locations: { "/": { root: "/www" } } },
    { target: "/a%0a500%20b" },
  );
  assert(!(result instanceof LocalResponse));
  assert(result.content.kind === "static");
  const lines: string[] = [];
  const answer = serveFiles(exchange, result, result.content, {
    folders: new Broken(),
    errorLog: (line) => lines.push(line),
  });
  assert(answer instanceof LocalResponse);
  assert.equal(answer.status, 500);
  assert.deepEqual(lines, [
    "500 /: /www/a 500 b can't be read: too many files",
  ]);
});

Deno.test("the access log has the bytes of a file", async () => {
  await using folder = await makeFolder({ "a.txt": "0123456789" });
  await using proxy = startProxy({
    root: folder.path,
    log_format: "json",
    locations: { "/": {} },
  });
  await get(`${proxy.url}/a.txt`);
  await get(`${proxy.url}/a.txt`, {}, "HEAD");
  await get(`${proxy.url}/a.txt`, { range: "bytes=0-2" });
  await logged(proxy, 3);
  assert.deepEqual(
    proxy.lines.map((line) => JSON.parse(line)["body_bytes_sent"]),
    [10, 0, 3],
  );
});
