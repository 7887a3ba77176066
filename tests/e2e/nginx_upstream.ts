/**
 * The upstream behind both proxies: records what it receives, and gives the
 * answer that `?answer=` names.
 *
 * @module
 */
import { brotliCompressSync, gzipSync } from "node:zlib";
import { type RawConnection, rawUpstream } from "../support/raw_upstream.ts";

/** One request as the upstream received it. */
export interface Received {
  /** Which of the three services it came to. */
  service: string;
  /** The request line, without the version. */
  line: string;
  /** Lower-case names with their values, in order. */
  headers: [string, string][];
  body: string;
}

const latin1 = (bytes: Uint8Array) =>
  Array.from(bytes, (b) => String.fromCharCode(b)).join("");
const TEXT = "0123456789abcdefghij".repeat(20);
const GZIP = latin1(gzipSync(TEXT));
const BROTLI = latin1(brotliCompressSync(new TextEncoder().encode(TEXT)));

/** The answers by name; `own` is the upstream's origin as `proxy_pass` writes it. */
function answerOf(name: string, own: string, port: number): string {
  const plain = (status: string, headers: string[], body = "ok") =>
    [
      `HTTP/1.1 ${status}`,
      ...headers,
      `Content-Length: ${body.length}`,
      "",
      body,
    ]
      .join("\r\n");
  const type = "Content-Type: text/plain";
  switch (name) {
    case "empty":
      return plain("200 OK", [], "");
    case "created":
      return plain("201 Created", [type, "Location: /api/rooms/1/"]);
    case "no-content":
      return "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n";
    case "not-modified":
      return 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n';
    case "not-found":
      return plain("404 Not Found", [type]);
    case "error":
      return plain("500 Internal Server Error", [type]);
    case "unavailable":
      return plain("503 Service Unavailable", [type, "Retry-After: 5"]);
    case "teapot":
      return plain("418 I'm a teapot", [type]);
    case "redirect-own":
      return plain("302 Found", [type, `Location: ${own}/login/?next=/a`]);
    case "redirect-own-port":
      return plain("302 Found", [
        type,
        `Location: http://127.0.0.1:${port}/login/`,
      ]);
    case "redirect-own-301":
      return plain("301 Moved Permanently", [type, `Location: ${own}/`]);
    case "redirect-relative":
      return plain("302 Found", [type, "Location: /login/"]);
    case "redirect-elsewhere":
      return plain("302 Found", [
        type,
        "Location: https://elsewhere.example/x",
      ]);
    case "refresh":
      return plain("200 OK", [type, `Refresh: 3; url=${own}/login/`]);
    case "cookies":
      return plain("200 OK", [
        type,
        "Set-Cookie: sessionid=abc; HttpOnly; Path=/; SameSite=Lax",
        "Set-Cookie: csrftoken=def; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
      ]);
    case "repeated":
      return plain("200 OK", [
        type,
        "Vary: Cookie",
        "X-A: 2",
        "Vary: Accept",
        "X-A: 1",
      ]);
    case "challenges":
      return plain("401 Unauthorized", [
        "WWW-Authenticate: Negotiate",
        'WWW-Authenticate: Basic realm="y"',
      ]);
    case "links":
      return plain("200 OK", [
        "Link: </a.css>; rel=preload",
        "X-A: 1",
        "Link: </b.js>; rel=preload",
        type,
      ]);
    case "locations":
      return plain("302 Found", ["Location: /there", "Location: /there"]);
    case "many":
      return plain(
        "200 OK",
        Array.from({ length: 150 }, (_, i) => `X-${i * 7 % 150}: ${i}`),
      );
    case "odd":
      return plain("299 Odd", [type]);
    case "hop":
      return plain("200 OK", [
        type,
        "Connection: keep-alive",
        "Keep-Alive: timeout=5",
      ]);
    case "chunked":
      return `HTTP/1.1 200 OK\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n` +
        "3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n";
    case "close":
      return `HTTP/1.1 200 OK\r\n${type}\r\nConnection: close\r\n\r\nuntil the end`;
    case "gzip":
      return plain("200 OK", [
        type,
        "Content-Encoding: gzip",
        "Vary: Accept-Encoding",
      ], GZIP);
    case "br":
      return plain("200 OK", [
        type,
        "Content-Encoding: br",
        "Vary: Accept-Encoding",
      ], BROTLI);
    case "range":
      return plain("206 Partial Content", [
        type,
        "Content-Range: bytes 0-1/400",
      ], "01");
    case "cache":
      return plain("200 OK", [
        type,
        'ETag: W/"x"',
        "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
        "Cache-Control: max-age=60, private",
        "Age: 3",
        "Expires: Thu, 01 Jan 1970 00:00:00 GMT",
      ]);
    case "csp":
      return plain("200 OK", [
        type,
        "Content-Security-Policy: default-src 'self'; img-src *",
        "X-Frame-Options: DENY",
        "Access-Control-Allow-Origin: *",
        'WWW-Authenticate: Basic realm="a, b"',
      ]);
    case "bytes":
      return plain("200 OK", [
        "Content-Type: application/octet-stream",
        "X-Bytes: \xfc",
      ], "\0\xff\r\n");
    case "server":
      return plain("200 OK", [
        type,
        "Server: WSGIServer/0.2",
        "Date: Sun, 06 Nov 1994 08:49:37 GMT",
        "X-Powered-By: x",
      ]);
    default:
      return plain("200 OK", [type]);
  }
}

/** A service that notes in `log` what it receives. */
export function recordingService(service: string, log: Received[]) {
  const upstream = rawUpstream(async (connection) => {
    while (true) {
      const received = await receive(connection, service);
      log.push(received);
      const name = /[?&]answer=([\w-]+)/.exec(received.line)?.[1] ?? "ok";
      const own = `http://${service}`;
      let answer = answerOf(name, own, upstream.port);
      if (received.line.startsWith("HEAD ")) {
        answer = answer.slice(0, answer.indexOf("\r\n\r\n") + 4);
      }
      await connection.write(answer);
      // A body without a length ends with its connection.
      if (name === "close") return;
    }
  });
  return upstream;
}

async function receive(
  connection: RawConnection,
  service: string,
): Promise<Received> {
  const head = await connection.readHead();
  const [line, ...fields] = head.trimEnd().split("\r\n");
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  });
  const value = (name: string) => headers.find(([n]) => n === name)?.[1];
  let body = "";
  if (value("transfer-encoding") === "chunked") {
    for (;;) {
      const size = parseInt(await connection.readUntil("\r\n"), 16);
      const chunk = await connection.readExactly(size);
      await connection.readExactly(2);
      if (size === 0) break;
      body += chunk;
    }
  } else {
    body = await connection.readExactly(Number(value("content-length") ?? 0));
  }
  return { service, line: line!.replace(/ HTTP\/1\.[01]$/, ""), headers, body };
}
