/**
 * The upstream behind both proxies: notes the request lines that it receives,
 * and gives the answer that `?answer=` names.
 *
 * @module
 */
import { gzipSync } from "node:zlib";
import { rawUpstream } from "../support/raw_upstream.ts";

const TEXT = "0123456789abcdefghij".repeat(20);
const GZIP = Array.from(gzipSync(TEXT), (b) => String.fromCharCode(b)).join("");
const CHUNKED = `Transfer-Encoding: chunked\r\n\r\n` +
  `190\r\n${TEXT}\r\n5\r\nabcde\r\n0\r\n\r\n`;

function plain(status: string, fields: readonly string[], body = TEXT): string {
  const length = `Content-Length: ${body.length}`;
  return ["HTTP/1.1 " + status, ...fields, length, "", body].join("\r\n");
}

/** A text that is worth compressing. */
const typed = (type: string, ...fields: string[]) =>
  plain("200 OK", [`Content-Type: ${type}`, ...fields]);

const ANSWERS: Readonly<Record<string, string>> = {
  html: typed("text/html; charset=utf-8"),
  css: typed("text/css"),
  json: typed("application/json"),
  "json-upper": typed("Application/JSON; charset=utf-8"),
  js: typed("application/javascript"),
  png: typed("image/png"),
  untyped: plain("200 OK", []),
  short: plain("200 OK", ["Content-Type: text/html"], "0123456789"),
  "chunked-html": `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n${CHUNKED}`,
  gzipped: plain("200 OK", [
    "Content-Type: text/html",
    "Content-Encoding: gzip",
  ], GZIP),
  etag: typed("text/html", 'ETag: "strong"', "Accept-Ranges: bytes"),
  "etag-weak": typed("text/html", 'ETag: W/"weak"'),
  "etag-odd": typed("text/html", "ETag: odd"),
  vary: typed("text/html", "Vary: Cookie"),
  range: plain("206 Partial Content", [
    "Content-Type: text/html",
    "Content-Range: bytes 0-399/800",
  ]),
  notfound: plain("404 Not Found", ["Content-Type: text/html"]),
  forbidden: plain("403 Forbidden", ["Content-Type: text/html"]),
  created: plain("201 Created", ["Content-Type: text/html"]),
  error: plain("500 Internal Server Error", ["Content-Type: text/html"]),
  unavailable: plain("503 Service Unavailable", ["Content-Type: text/html"]),
  "no-content": "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
  "not-modified": 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
  moved: plain("301 Moved Permanently", [
    "Content-Type: text/html",
    "Location: /elsewhere/",
  ]),
  unauthorized: plain("401 Unauthorized", [
    "Content-Type: text/html",
    'WWW-Authenticate: Basic realm="x"',
  ]),
  private: typed("text/html", "Cache-Control: private"),
  "no-cache": typed("text/html", "Cache-Control: no-cache, max-age=0"),
  "max-age": typed("text/html", "Cache-Control: max-age=60"),
  expired: typed("text/html", "Expires: Thu, 01 Jan 1970 00:00:00 GMT"),
  "expires-late": typed("text/html", "Expires: Thu, 01 Jan 2037 00:00:00 GMT"),
  modified: typed("text/html", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"),
  powered: typed("text/plain", "X-Powered-By: x", "Server: own", 'ETag: "e"'),
  cookies: typed(
    "text/plain",
    "Set-Cookie: session=1; Domain=localhost; Path=/app/x; HttpOnly",
    "Set-Cookie: csrf=2; path=/user/ann; Domain=.localhost; Secure; SameSite=Lax",
    "Set-Cookie: other=3; Domain=api.inner; Path=/",
    "Set-Cookie: bare=4",
    "Set-Cookie: odd",
    "Set-Cookie: SESSION=5;Path=/App/;domain=LOCALHOST;samesite=strict;secure",
  ),
  accel: typed(
    "application/pdf",
    "X-Accel-Redirect: /inner/file%20a?answer=html&x=1",
    "Content-Disposition: attachment",
    "Set-Cookie: a=1",
    "Set-Cookie: b=2",
    "X-Other: lost",
    "Cache-Control: private",
  ),
  "accel-text": typed("text/plain", "X-Accel-Redirect: /return/200?a=b"),
  "accel-dots": typed("text/plain", "X-Accel-Redirect: /inner/../return/200"),
  "accel-none": typed("text/plain", "X-Accel-Redirect: /e/404/"),
};

/** A service that notes in `log` the request lines that it receives. */
export function answeringService(log: string[]) {
  return rawUpstream(async (connection) => {
    while (true) {
      const head = await connection.readHead();
      const line = head.slice(0, head.indexOf("\r\n"));
      const [, length = "0"] = /^content-length: *(\d+)/im.exec(head) ?? [];
      await connection.readExactly(Number(length));
      log.push(line.replace(/ HTTP\/1\.[01]$/, ""));
      const name = /[?&]answer=([\w-]+)/.exec(line)?.[1] ?? "";
      let answer = ANSWERS[name] ?? typed("text/plain");
      if (line.startsWith("HEAD ")) {
        answer = answer.slice(0, answer.indexOf("\r\n\r\n") + 4);
      }
      await connection.write(answer);
    }
  });
}
