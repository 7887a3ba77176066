/**
 * The requests that nginx and sameorigin are both asked, as they go over the
 * wire.
 *
 * @module
 */

/** A request, and a name for it. */
export interface Sample {
  name: string;
  text: string;
}

/** Builds one; `connection: close` ends the answer. */
function sample(
  name: string,
  line: string,
  headers: string[] = [],
  body = "",
  host: string | null = "localhost:9000",
): Sample {
  const all = host === null ? headers : [`Host: ${host}`, ...headers];
  return {
    name,
    text: `${line} HTTP/1.1\r\n` +
      [...all, "Connection: close"].map((header) => header + "\r\n").join("") +
      "\r\n" + body,
  };
}

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "PROPFIND",
  "M-SEARCH",
  "TRACE",
  "get",
  "G3T",
];

/** Targets, odd ones above all: which location they take and what goes on. */
const TARGETS = [
  "/",
  "/api",
  "/api/",
  "/apiary",
  "/api/rooms/1/",
  "/admin",
  "/admin/login/?next=/admin/",
  "/administrator",
  "/static/a.css",
  "/staticfile",
  "/connection/websocket",
  "/connection/websocket/x",
  "/connection",
  "/other",
  "/API/x",
  "/%61pi/x",
  "/%61%70%69",
  "/api%2Fx",
  "/api%2fx%2Fy",
  "/api/a%2Fb",
  "/%2Fapi",
  "//api/x",
  "/api//x",
  "///api///x///",
  "/./api/x",
  "/api/./x",
  "/api/../admin",
  "/api/../admin/x",
  "/api/x/..",
  "/api/x/../",
  "/api/.",
  "/api/..",
  "/api/%2e%2e/admin",
  "/api/%2E./admin",
  "/api/.%2e/admin",
  "/api/..%2fadmin",
  "/api%2f..%2fadmin",
  "/api/..;/admin",
  "/api/...",
  "/api/.x",
  "/api/..x",
  "/a//../api",
  "/a/b//../../api",
  "/..",
  "/../api",
  "/api/../../admin",
  "/api\\x",
  "/api\\..\\admin",
  "/api/\\../admin",
  "/api%5Cx",
  "/api%5c..%5cadmin",
  "/api/%",
  "/api/%4",
  "/api/%zz",
  "/api/%00",
  "/api/%20x",
  "/api/%0a",
  "/api/%7e~",
  "/api/%C3%BC",
  "/api/%ff",
  "/api/%25",
  "/api/%252e%252e/admin",
  "/api/%252f",
  "/api/a+b",
  "/api/a;b=c",
  "/api/a:b@c",
  "/api/a|b",
  "/api/a^b",
  "/api/a{b}",
  "/api/a`b",
  '/api/a"b',
  "/api/a<b>",
  "/api/a'b",
  "/api/(a)[b]!$&*,=",
  "/api/%3Fx",
  "/api/%3fx?y",
  "/api/%23x",
  "/api?",
  "/api??",
  "/api?a=b",
  "/api?a=b?c=d",
  "/api?a=../admin",
  "/api?a=%2e%2e",
  "/api?a=//x",
  "/api?a=b&a=c&&=",
  "/api?a=%zz",
  "/api?a=%00",
  "/api?a=b+c%20d",
  "/api?a='b'",
  '/api?a="b"',
  "/api?a=<b>",
  "/api?a=[b]{c}|d^e`f",
  "/api?a=\\b",
  "/api?http://evil/admin",
  "/?/api",
  "/;/api",
  "/api;x/y",
  "/api/x;v=1/..;/y",
  "/api#x",
  "/api/%20#x?y",
  "/api?a#b",
  "/api/\xc3\xa9?\xc3\xa9",
  "/api/\xff",
  "/http://evil/admin",
  "/api/" + "x".repeat(2000),
  "/api?" + "x".repeat(2000),
  "http://localhost:9000/api/abs",
  "http://other/api/abs?x",
  "http://localhost:9000",
  "HTTP://localhost/api",
  "https://localhost/api",
  "*",
  "api",
  "",
];

const HOSTS: (string | null)[] = [
  "localhost",
  "LOCALHOST",
  "LocalHost:9000",
  "localhost.",
  "localhost:80",
  "localhost:",
  "127.0.0.1",
  "127.0.0.1:9000",
  "unknown.example",
  "sub.localhost",
  "[::1]",
  "[::1]:9000",
  "[2001:DB8::1]:9000",
  "a_b.example",
  "xn--bcher-kva.example",
  "a..b",
  "a/b",
  "a b",
  "a\\b",
  "a@b",
  "a\tb",
  "",
  null,
];

const HEADERS: [name: string, headers: string[]][] = [
  ["a proxy before us", ["X-Forwarded-For: 10.1.1.1"]],
  ["two proxies before us", ["X-Forwarded-For: 10.1.1.1, 10.2.2.2"]],
  ["an X-Real-IP", ["X-Real-IP: 10.1.1.1"]],
  ["an X-Forwarded-Host", ["X-Forwarded-Host: evil.example"]],
  ["an X-Forwarded-Proto", ["X-Forwarded-Proto: https"]],
  ["a Forwarded", ["Forwarded: for=10.1.1.1;proto=https"]],
  ["an X-Forwarded-Port", ["X-Forwarded-Port: 443"]],
  ["a repeated header", ["X-A: 1", "X-B: 2", "X-A: 3"]],
  ["fields out of order", ["X-Z: 1", "Accept: a/b", "X-A: 2", "DNT: 1"]],
  ["a repeated Accept", ["Accept: text/html", "Accept: */*;q=0.5"]],
  ["a cookie", ["Cookie: sessionid=abc; csrftoken=def"]],
  ["two cookie lines", ["Cookie: a=1", "Cookie: b=2"]],
  ["an odd cookie", ['Cookie: a="b c"; =x; y']],
  ["an Origin", ["Origin: http://localhost:9000"]],
  ["a Referer", ["Referer: http://localhost:9000/x"]],
  ["an Authorization", ["Authorization: Basic YTpi"]],
  ["a Proxy-Authorization", ["Proxy-Authorization: Basic YTpi"]],
  ["a User-Agent", ["User-Agent: test/1.0"]],
  ["an Accept", ["Accept: application/json"]],
  ["an Accept-Language", ["Accept-Language: de, en;q=0.5"]],
  ["an Accept-Encoding", ["Accept-Encoding: gzip, deflate, br, zstd"]],
  ["an Accept-Encoding of identity", ["Accept-Encoding: identity"]],
  ["an empty Accept-Encoding", ["Accept-Encoding:"]],
  ["an empty header", ["X-Empty:"]],
  ["a long header", ["X-Long: " + "l".repeat(4000)]],
  ["a header with bytes", ["X-Bytes: \xfc\xe4"]],
  ["a header with spaces", ["X-Spaces:   a  b   "]],
  ["an underscore in a name", ["X_Under: 1"]],
  ["a range", ["Range: bytes=0-9"]],
  ["an If-None-Match", ['If-None-Match: "x"']],
  ["an If-Modified-Since", [
    "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
  ]],
  ["a Keep-Alive", ["Keep-Alive: timeout=5"]],
  ["a TE", ["TE: trailers"]],
  ["an Upgrade to something else", ["Upgrade: h2c"]],
  ["a Max-Forwards", ["Max-Forwards: 3"]],
  ["a Via", ["Via: 1.1 x"]],
  ["a CSRF token", ["X-CSRFToken: abc", "X-Requested-With: XMLHttpRequest"]],
  ["a DNT", ["DNT: 1", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none"]],
  ["Content-Type without a body", ["Content-Type: text/plain"]],
];

const BODIES: [
  name: string,
  method: string,
  headers: string[],
  body: string,
][] = [
  ["a form", "POST", [
    "Content-Type: application/x-www-form-urlencoded",
    "Content-Length: 7",
  ], "a=1&b=2"],
  ["an empty body with a length", "POST", ["Content-Length: 0"], ""],
  ["no body at all", "POST", [], ""],
  [
    "a chunked body",
    "POST",
    ["Transfer-Encoding: chunked"],
    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
  ],
  [
    "an empty chunked body",
    "POST",
    ["Transfer-Encoding: chunked"],
    "0\r\n\r\n",
  ],
  [
    "chunk extensions",
    "PUT",
    ["Transfer-Encoding: chunked"],
    "3;x=y\r\nabc\r\n0\r\n\r\n",
  ],
  ["a body of 100 kB", "PUT", ["Content-Length: 100000"], "x".repeat(100_000)],
  ["a body of 2 MB", "PUT", ["Content-Length: 2000000"], "x".repeat(2_000_000)],
  ["a PATCH", "PATCH", ["Content-Length: 3"], "abc"],
  ["a DELETE with a body", "DELETE", ["Content-Length: 3"], "abc"],
  ["an OPTIONS with a body", "OPTIONS", ["Content-Length: 3"], "abc"],
  [
    "an expectation",
    "POST",
    ["Content-Length: 3", "Expect: 100-continue"],
    "abc",
  ],
  ["a GET with a body", "GET", ["Content-Length: 3"], "abc"],
  [
    "both framings",
    "POST",
    ["Content-Length: 3", "Transfer-Encoding: chunked"],
    "0\r\n\r\n",
  ],
  ["two lengths", "POST", ["Content-Length: 3", "Content-Length: 4"], "abcd"],
  ["an unknown coding", "POST", ["Transfer-Encoding: gzip"], ""],
];

/** Answers that the recording upstream gives by name: see `upstream`. */
const ANSWERS = [
  "ok",
  "empty",
  "created",
  "no-content",
  "not-modified",
  "not-found",
  "error",
  "unavailable",
  "teapot",
  "redirect-own",
  "redirect-own-port",
  "redirect-own-301",
  "redirect-relative",
  "redirect-elsewhere",
  "refresh",
  "cookies",
  "repeated",
  "challenges",
  "links",
  "locations",
  "many",
  "odd",
  "hop",
  "chunked",
  "close",
  "gzip",
  "br",
  "range",
  "cache",
  "csp",
  "bytes",
  "server",
];

/** All of them, each with a name of its own. */
export function samples(): Sample[] {
  return [
    ...METHODS.map((m) => sample(`method ${m}`, `${m} /api/m`)),
    ...TARGETS.map((t) => sample(`target ${t.slice(0, 60)}`, `GET ${t}`)),
    ...HOSTS.map((h) =>
      sample(`host ${JSON.stringify(h)}`, "GET /api/h", [], "", h)
    ),
    ...HEADERS.map(([name, headers]) => sample(name, "GET /api/f", headers)),
    ...HEADERS.slice(0, 12).map(([name, headers]) =>
      sample(`${name}, static`, "GET /static/f", headers)
    ),
    ...BODIES.map(([name, method, headers, body]) =>
      sample(name, `${method} /api/b`, headers, body)
    ),
    ...["/api", "/admin", "/"].flatMap((at) =>
      ANSWERS.map((a) =>
        sample(`answer ${a} at ${at}`, `GET ${at}?answer=${a}`)
      )
    ),
    ...ANSWERS.map((a) =>
      sample(`answer ${a} to HEAD`, `HEAD /api?answer=${a}`)
    ),
    ...["gzip", "br", "ok"].map((a) =>
      sample(`answer ${a} as accepted`, `GET /api?answer=${a}`, [
        "Accept-Encoding: gzip, br",
      ])
    ),
  ];
}
