/**
 * `explain`: what it says, and that it is what happens.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Explanation, explanationOf } from "../../lib/cli/explain.ts";
import { askedRequest } from "../../lib/cli/request_line.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { createAccessLog } from "../../lib/observe/access_log.ts";
import { startServer } from "../../lib/server/serve.ts";
import { startProxy } from "../support/proxy.ts";
import { rawUpstream } from "../support/raw_upstream.ts";
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
    `listen    9000
server    (no server_name)  the only server
location  /api              longest prefix of 2 locations
upstream  back:8000         proxy_pass http://back:8000

Sent upstream:
GET /api/rooms/?page=2 HTTP/1.1
accept-encoding: identity
host: localhost:9000
x-real-ip: 127.0.0.1
x-forwarded-for: 127.0.0.1
x-forwarded-host: localhost:9000
x-forwarded-proto: http
x-request-id: 7
accept: text/html
cookie: a=b
accept-language: *
user-agent:
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
    upstream: { name: "back:8000", scheme: "http", address: "back:8000" },
    answer: null,
  });
  assert.equal(sent?.target, "/api/?a");
  assert.equal(sent?.method, "GET");
  assert.equal(sent?.websocket, false);
  assert.deepEqual(sent?.headers[1], ["host", "localhost:9000"]);
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
    ["upgrade", "websocket"],
    ["connection", "Upgrade"],
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", "(16 random bytes)"],
    ["sec-websocket-protocol", "a, b"],
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

Deno.test("a handshake is sent just as explain says", async () => {
  const head = Promise.withResolvers<string>();
  await using upstream = rawUpstream(async (connection) => {
    head.resolve(await connection.readHead());
    await connection.write(
      "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
    );
  });
  const document = {
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  };
  await using proxy = startProxy(document);
  const lines = [
    "Host: x",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: a, b",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "X-Request-ID: 7",
    "Cookie: a=b",
    "Origin: http://x",
  ];
  const request = `GET /ws?x HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  assert.match(await exchange(proxy.port, request, ""), /^HTTP\/1\.1 403 /);
  const plan = planFromObject(document, { source: "", env: () => undefined });
  const explanation = explanationOf(askedRequest(plan, "GET", "/ws?x", lines));
  const normal = (line: string) =>
    line.replace(/^[\w-]+:/, (name) => name.toLowerCase())
      .replace(/^(sec-websocket-key:).*/, "$1");
  assert.deepEqual(
    (await head.promise).trimEnd().split("\r\n").map(normal),
    headOf(explanation).map(normal),
  );
});

/** Locations of every kind; `X-Location` tells which one it was. */
function config(port: number) {
  const to = (key: string, path = "") => ({
    proxy_pass: `http://127.0.0.1:${port}${path}`,
    proxy_set_header: {
      "Host": "$host",
      "X-Location": key,
      "X-Forwarded-For": "$proxy_add_x_forwarded_for",
      "X-Uri": "$uri",
    },
  });
  return {
    servers: [
      {
        listen: "127.0.0.1:0",
        server_name: ["first", "*.first"],
        locations: {
          "/": to("/"),
          "/api": to("/api"),
          "/api/v2/": to("/api/v2/", "/"),
          "= /api/exact": to("= /api/exact"),
          "~* \\.php": to("~* \\.php"),
          "^~ /static/": to("^~ /static/"),
        },
      },
      {
        listen: "127.0.0.1:0",
        server_name: "second",
        locations: { "/api": to("second /api", "/b/") },
      },
    ],
  };
}

const PIECE = fc.constantFrom(
  ...["api", "v2", "exact", "static", "x.php", "..", ".", "", "%2e%2e"],
  ...["%2F", "%61pi", "é", "a%20b", "%zz", "a;b", "%5c", "*"],
);
const TARGET = fc.tuple(
  fc.array(PIECE, { maxLength: 4 }),
  fc.constantFrom("", "?", "?a=b&a=%2F", "?é"),
).map(([pieces, query]) => `/${pieces.join("/")}${query}`);
const HOST = fc.constantFrom(
  ...["first", "FIRST:80", "a.first", "second", "other", "a/b", "[::1]:9"],
);
const HEADERS = fc.subarray([
  "Accept: text/html",
  "Accept-Encoding: gzip",
  "Cookie: a=b; c=d",
  "Cookie: e=é",
  "X-Forwarded-For: 10.0.0.1",
  "X-Forwarded-For: 10.0.0.2",
  "X-Location: forged",
  "X-Hop: 1",
  "Connection: x-hop",
  "Keep-Alive: timeout=5",
  "TE: trailers",
  "User-Agent: test",
  "X-Empty:",
  "Range: bytes=0-1",
  'If-None-Match: "x"',
]);
/** The method, the headers of its body, and the body. */
const BODY = fc.constantFrom<[string, string[], string]>(
  ["GET", [], ""],
  ["GET", [], ""],
  ["HEAD", [], ""],
  ["OPTIONS", [], ""],
  ["DELETE", [], ""],
  ["POST", [], ""],
  ["POST", ["Content-Length: 0"], ""],
  ["PUT", ["Content-Length: 3"], "abc"],
  ["PATCH", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n"],
  ["GET", ["Content-Length: 3"], "abc"],
  ["TRACE", [], ""],
  ["get", [], ""],
);

Deno.test("500 random requests are treated just as explain says", async () => {
  // Answers with the head that it received.
  await using upstream = rawUpstream(async (connection) => {
    for (;;) {
      const head = await connection.readHead();
      if (/^content-length: 3\r$/m.test(head)) await connection.readExactly(3);
      if (/^transfer-encoding: chunked\r$/m.test(head)) {
        await connection.readUntil("0\r\n\r\n");
      }
      const lines = head.trimEnd().split("\r\n");
      const all = lines.map((line, i) => `x-line-${i}: ${line}\r\n`).join("");
      // In one packet, or each answer waits for a delayed acknowledgement.
      await connection.write(
        "HTTP/1.1 200 OK\r\n" +
          (head.startsWith("HEAD ")
            ? `${all}content-length: 0\r\n\r\n`
            : `content-length: ${head.length}\r\n\r\n${head}`),
      );
    }
  });
  const plan = planFromObject(config(upstream.port), {
    source: "test",
    env: () => undefined,
  });
  const errors: string[] = [];
  const server = startServer(plan, {
    accessLog: createAccessLog("off", () => Promise.resolve()),
    errorLog: (line) => errors.push(line),
  });
  const port = Number(new URL(server.addresses[0]?.url ?? "").port);
  const seen = { sent: 0, answered: 0 };
  try {
    await fc.assert(
      fc.asyncProperty(
        ...[TARGET, HOST, HEADERS, BODY],
        async (target, host, headers, [method, framing, body]) => {
          const lines = [
            `Host: ${host}`,
            "X-Request-ID: 7",
            ...headers,
            ...framing,
          ];
          const expected = explanationOf(
            askedRequest(plan, method, target, lines),
          );
          const response = await exchange(
            port,
            `${method} ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`,
            body,
          );
          const status = Number(response.slice(9, 12));
          if (expected.answer !== null) {
            seen.answered++;
            assert.equal(status, expected.answer.status, response);
            const location = /^location: (.*)\r$/m.exec(response)?.[1];
            assert.equal(location, expected.answer.location);
            return;
          }
          seen.sent++;
          assert.equal(status, 200, response);
          assert.deepEqual(
            receivedHead(response, method).sort(),
            headOf(expected).sort(),
          );
        },
      ),
      { numRuns: 500 },
    );
  } finally {
    server.abort();
    await server.finished;
  }
  assert.deepEqual(errors, []);
  // Neither half of the question is left out.
  assert(seen.sent > 100 && seen.answered > 50, JSON.stringify(seen));
});

/** The end of a head: `Connection` says what it did, and close. */
const CLOSING = (_end: string, upgrade = "") =>
  `${upgrade}\r\nConnection: close\r\n\r\n`;

/** Sends a request as it is and gives the whole response. */
async function exchange(
  port: number,
  head: string,
  body: string,
): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const bytes = new TextEncoder().encode(
    head.replace(/(\r\nConnection: Upgrade)?\r\n\r\n/, CLOSING) + body,
  );
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
  return await new Response(connection.readable).text();
}

/** The head the upstream says that it received, a line each. */
function receivedHead(response: string, method: string): string[] {
  const [head = "", body = ""] = response.split(/\r\n\r\n(.*)/s);
  const lines = method === "HEAD"
    ? [...head.matchAll(/^x-line-\d+: (.*)\r?$/gm)].map(([, line]) => line)
    : body.trimEnd().split("\r\n");
  return lines.map((line) => (line ?? "").trimEnd());
}

function headOf({ sent }: Explanation): string[] {
  assert(sent !== null);
  return [
    `${sent.method} ${sent.target} HTTP/1.1`,
    ...sent.headers.map(([name, value]) => `${name}: ${value}`.trimEnd()),
  ];
}
