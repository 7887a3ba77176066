/**
 * What `explain` says is what happens to requests that are really sent.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Explanation, explanationOf } from "../../lib/cli/explain.ts";
import { askedRequest } from "../../lib/cli/request_line.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { createAccessLog } from "../../lib/observe/access_log.ts";
import { startServer } from "../../lib/server/server.ts";
import { startProxy } from "../support/proxy.ts";
import { rawUpstream } from "../support/raw_upstream.ts";

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
