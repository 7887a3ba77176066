/**
 * `explain`: what it says. That it is what happens: explain_agrees_test.ts.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Explanation } from "../../lib/cli/explain.ts";
import { command } from "../support/terminal.ts";

const TO = ["--to", "/=front:5173", "--to", "/api=back:8000"];

async function explained(...argv: string[]): Promise<Explanation> {
  const { code, output, notes } = await command("explain", "--json", ...argv);
  assert.equal(code, 0, notes);
  return JSON.parse(output);
}

Deno.test("explain says who takes a request, why, and what is sent", async () => {
  const { code, output } = await command(
    ...["explain", "GET", "/api/rooms/?page=2", "-H", "Cookie: a=b"],
    ...["-H", "X-Request-ID: 7", "-H", "Accept: text/html", ...TO],
  );
  assert.equal(code, 0);
  assert.equal(
    output,
    `admit    listen    9000
route    server    (no server_name)  the only server
         location  /api              longest prefix of 2 locations
         not       /                 /api is a longer prefix
content  upstream  back:8000         proxy_pass http://back:8000

Sent upstream:
GET /api/rooms/?page=2 HTTP/1.1
host: localhost:9000
x-real-ip: 127.0.0.1
x-forwarded-for: 127.0.0.1
x-forwarded-host: localhost:9000
x-forwarded-proto: http
x-request-id: 7
accept: text/html
cookie: a=b
`,
  );
});

Deno.test("explain --json says the same as one object", async () => {
  const explanation = await explained(
    ...["GET", "/api/?a", "-H", "X-Request-ID: 7", ...TO],
  );
  const { sent, ...rest } = explanation;
  assert.deepEqual(rest, {
    request: { method: "GET", target: "/api/?a", host: "localhost:9000" },
    listen: "9000",
    server: { name: "", why: "the only server" },
    location: {
      key: "/api",
      why: "longest prefix of 2 locations",
      proxy_pass: "http://back:8000",
    },
    losers: [{ key: "/", why: "/api is a longer prefix", matches: true }],
    rewrite: null,
    access: [],
    redirects: [],
    file: null,
    respond: [],
    upstream: { name: "back:8000", scheme: "http", address: "back:8000" },
    answer: null,
  });
  assert.equal(sent?.target, "/api/?a");
  assert.equal(sent?.method, "GET");
  assert.equal(sent?.websocket, false);
  assert.deepEqual(sent?.headers[0], ["host", "localhost:9000"]);
});

Deno.test("the host is the URL's, unless a Host header is given", async () => {
  const host = async (...argv: string[]) =>
    (await explained("GET", ...argv, ...TO)).request.host;
  assert.equal(await host("/"), "localhost:9000");
  assert.equal(await host("/", "--listen", "80"), "localhost");
  assert.equal(await host("/", "--listen", "[::1]:9001"), "localhost:9001");
  assert.equal(await host("http://A.Example:81?x"), "A.Example:81");
  assert.equal(await host("http://a:81/", "-H", "host: b"), "b");
});

Deno.test("a URL is taken as it is written", async () => {
  const target = async (url: string) =>
    (await explained("GET", url, ...TO)).request.target;
  for (
    const path of ["/a/../b", "//x", "/%2e%2E/%41", "/a\\b", "/é", "/a?b#c"]
  ) {
    assert.equal(await target(path), path);
    assert.equal(await target(`http://x${path}`), path);
  }
  assert.equal(await target("HTTP://x"), "/");
});

Deno.test("a request that goes no further is explained by its answer", async () => {
  const answer = async (...argv: string[]) => {
    const { answer, sent } = await explained(...argv, "--to", "/a/=back:8000/");
    assert.equal(sent, null);
    return answer;
  };
  assert.equal((await answer("GET", "/b"))?.status, 404);
  assert.equal((await answer("GET", "/%zz"))?.status, 400);
  assert.equal((await answer("GET", "/a/../.."))?.status, 400);
  assert.equal((await answer("TRACE", "/a/"))?.status, 405);
  assert.equal((await answer("get", "/a/"))?.status, 400);
  assert.equal((await answer("GET", "/a/", "-H", "Host: a/b"))?.status, 400);
  assert.equal(
    (await answer("PUT", "/a/x", "-H", "Content-Length: 9999999"))?.status,
    413,
  );
  const redirect = await answer("GET", "/a?b=c");
  assert.equal(redirect?.status, 301);
  assert.equal(redirect?.location, "http://localhost:9000/a/?b=c");
  const { output } = await command("explain", "GET", "/a", "--to", "/a/=b:81/");
  assert.match(
    output,
    /Answered by the proxy itself:\n301 .*\nlocation: http:\/\/localhost:9000\/a\/\n$/,
  );
});

Deno.test("a ws: URL is a handshake", async () => {
  const { sent } = await explained(
    ...["GET", "ws://x/chat", "-H", "Sec-WebSocket-Protocol: a, b", ...TO],
  );
  assert.equal(sent?.websocket, true);
  assert.deepEqual(sent?.headers.slice(-5), [
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", "(16 random bytes)"],
    ["sec-websocket-protocol", "a, b"],
    ["upgrade", "websocket"],
    ["connection", "Upgrade"],
  ]);
});

Deno.test("the listener is the one with the URL's port, else the first", async () => {
  const config = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(
      config,
      `servers:
  - {listen: 9000, server_name: a, locations: {/: http://a:81}}
  - {listen: 9001, server_name: b, locations: {/: http://b:81}}
  - {listen: 9001, server_name: c, locations: {/: http://c:81}}
`,
    );
    const server = async (url: string) =>
      (await explained("GET", url, "-c", config)).server;
    assert.deepEqual(await server("http://b:9000/"), {
      name: "a",
      why: "the only server",
    });
    assert.deepEqual(await server("http://c:9001/"), {
      name: "c",
      why: "exact name",
    });
    assert.deepEqual(await server("http://a:9001/"), {
      name: "b",
      why: "the first server, since no server_name matches a",
    });
    assert.equal((await server("http://c:8080/"))?.name, "a");
  } finally {
    await Deno.remove(config);
  }
});

for (
  const [argv, message, hint] of [
    [
      ["GET", "localhost:9000/x"],
      `"localhost:9000/x" is neither a path nor a URL`,
      "Did you mean http://localhost:9000/x or /localhost:9000/x?",
    ],
    [
      ["GET", "ftp://x/"],
      `"ftp://x/" is neither a path nor a URL`,
      "A path begins with /, a URL with http://.",
    ],
    [
      ["GET", "/a b"],
      `a URL has no spaces and no control characters: "/a b"`,
      "Write a space as %20.",
    ],
    [
      ["/api", "GET"],
      `"/api" is not a method`,
      "METHOD comes before URL: sameorigin explain GET /api",
    ],
    [
      ["GET", "/", "-H", "Cookie"],
      `"Cookie" is not a header`,
      "Write it as: -H 'Name: value'",
    ],
    [
      ["GET", "/", "-H", "a b: c"],
      `"a b: c" is not a header`,
      "Write it as: -H 'Name: value'",
    ],
    [
      ["GET", "/", "-H", "a: b\nc: d"],
      `"a: b\\nc: d" is not a header`,
      "Write it as: -H 'Name: value'",
    ],
  ] as const
) {
  Deno.test(`a request nobody could send is named: ${JSON.stringify(argv)}`, async () => {
    assert.deepEqual(await command("explain", ...argv, ...TO), {
      code: 2,
      output: "",
      notes: `sameorigin: ${message}\n${hint}\n`,
    });
  });
}

Deno.test("an invalid handshake is explained by its answer, as the handler gives it", async () => {
  const { answer, sent } = await explained(
    ...["GET", "/", "-H", "Upgrade: websocket", "-H", "Connection: upgrade"],
    ...["-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: x"],
    ...TO,
  );
  assert.equal(sent, null);
  assert.deepEqual(answer, {
    phase: "admit",
    status: 400,
    reason: "The WebSocket handshake has no valid Sec-WebSocket-Key.",
  });
});

Deno.test("explain names the phase that answers", async () => {
  const config = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(
      config,
      `limit_conn: 5
locations:
  /a/: http://a:81/b/
`,
    );
    const phases = async (target: string) => {
      const { answer, access, location } = await explained(
        ...["GET", target, "-c", config],
      );
      return [answer?.phase, access.length, location?.key];
    };
    assert.deepEqual(await phases("/%zz"), ["admit", 0, undefined]);
    assert.deepEqual(await phases("/b"), ["route", 0, undefined]);
    assert.deepEqual(await phases("/a"), ["route", 0, "/a/"]);
    assert.deepEqual(await phases("/a/x"), [undefined, 1, "/a/"]);
    const { output } = await command("explain", "GET", "/a/x", "-c", config);
    assert.match(
      output,
      /^access {3}limit_conn {2}passes {12}while there is a place$/m,
    );
  } finally {
    await Deno.remove(config);
  }
});
