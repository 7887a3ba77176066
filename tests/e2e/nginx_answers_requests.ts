/**
 * The requests that nginx and sameorigin are both asked.
 *
 * @module
 */

/** A request, and a name for it. */
export interface Sample {
  readonly name: string;
  readonly text: string;
}

/** How a request differs from a GET to `site`. */
interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
}

function sample(
  target: string,
  { method = "GET", host = "site", fields = [], body = "" }: Asked = {},
): Sample {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    ...fields,
    ...body === "" ? [] : [`Content-Length: ${body.length}`],
    "Connection: close",
  ];
  return {
    name: [method, host, target, ...fields].join(" "),
    text: lines.join("\r\n") + "\r\n\r\n" + body,
  };
}

const RETURNS = [
  "/return/200?a=b",
  "/return/201",
  "/return/204",
  "/return/empty",
  "/return/403",
  "/return/403-empty",
  "/return/503",
  "/return/302",
  "/return/url?a=/x%20y",
  "/return/url",
  "/return/scheme",
  "/return/307?x=1",
  "/return/304",
  "/return/group/ab/cd",
  "/return/to/abc",
  "/return/to/abc?x=1",
  "/return/to/a%20b%26c",
  "/return/to/a%0d%0aX-Bad:%20b",
  "/return/json",
];

const REWRITES = [
  "/r/last/x",
  "/r/last/x?a=b",
  "/r/last/",
  "/r/break/x/y?a=b",
  "/r/break/",
  "/r/plain/a%20b",
  "/r/plain/a%3Fb",
  "/r/plain/a%25b",
  "/r/plain/%C3%BC",
  "/r/plain/a+b",
  "/r/plain//x//y",
  "/r/plain/a/../b",
  "/r/uri/b/c",
  "/r/uri/c/d",
  "/r/args/5",
  "/r/args/5?x=1&y=2",
  "/r/args/a%26b%3Dc",
  "/r/args/a&b=c",
  "/r/args/a;b",
  "/r/args/a+b;c",
  "/r/args/a%20b",
  "/r/args/a%2Fb",
  "/r/noargs/5?x=1",
  "/r/drop/5?x=1",
  "/r/redirect/x?a=b",
  "/r/redirect/a%20b",
  "/r/redirect/a%C3%BCb",
  "/r/redirect/a%26b%2Bc",
  "/r/redirect/a%5Cb",
  "/r/redirect/a%3Fb",
  "/r/redirect/a%0d%0aX-Bad:%20b",
  "/r/joined/x",
  "/r/joined../x",
  "/r/slashes/x",
  "/r/permanent/x/",
  "/r/permanent/",
  "/r/url/x",
  "/r/url/x?b=2",
  "/r/urlnoargs/x?b=2",
  "/r/cycle/x",
  "/r/swap/a/b",
  "/r/swap/a/b/c",
  "/r/named/ann",
  "/r/case/abc",
  "/r/case/ABC",
  "/r/case/abd",
  "/r/chain/x",
  "/r/vars/y?a=z",
  "/r/vars/y",
  "/r/return/x",
  "/r/return/y",
  "/r/only/x",
  "/r/only/y",
  "/r/inner/x?answer=html",
];

const SERVER_REWRITES = [
  "/old/x?a=b",
  "/twice/x",
  "/twice/x?a=b",
  "/gone/x?a=b",
  "/here/x",
  "/broken/x",
  "/last/x?a=b",
  "/uri/x",
  "/else",
];

const ERRORS = [
  "/e/404/x",
  "/e/404/x?a=b",
  "/e/405/",
  "/e/own/",
  "/e/own404/",
  "/e/own403/",
  "/e/own402/",
  "/e/text/",
  "/e/upstream/?answer=notfound",
  "/e/upstream/?answer=error",
  "/e/intercept/?answer=notfound",
  "/e/intercept/?answer=error",
  "/e/intercept/?answer=unavailable",
  "/e/intercept/?answer=unauthorized",
  "/e/intercept/?answer=moved",
  "/e/intercept/?answer=html",
  "/e/proxied/",
  "/e/proxied-status/",
  "/e/nested/",
  "/e/dead/",
  "/e/dead-proxied/",
  "/error/404",
  "/error/ok",
  "/inner/x",
];

const HEADERS = [
  "/h/none/",
  "/h/own/a%20b?a=c",
  "/h/own/a%0d%0aX-Bad:%20b",
  "/h/own/?answer=notfound",
  "/h/own/?answer=created",
  "/h/own/?answer=no-content",
  "/h/own/?answer=not-modified",
  "/h/own/?answer=moved",
  "/h/own/?answer=range",
  "/h/own/?answer=error",
  "/h/own/?answer=unauthorized",
  "/h/empty/",
  "/h/two/",
  "/h/etag/",
  "/h/etag/?answer=etag",
  "/h/noetag/?answer=etag",
  "/h/cache/?answer=private",
  "/h/hide/?answer=powered",
  "/h/pass/?answer=powered",
  "/x?answer=powered",
  "/x?answer=notfound",
];

const COOKIES = ["domain", "path", "flags", "all"].map((name) =>
  `/c/${name}/?answer=cookies`
);

const ACCEL = [
  "/accel/?answer=accel",
  "/accel/?answer=accel-text",
  "/accel/?answer=accel-dots",
  "/accel/?answer=accel-none",
  "/accel-off/?answer=accel",
];

const ENCODED = [
  "html",
  "css",
  "json",
  "json-upper",
  "js",
  "png",
  "untyped",
  "short",
  "chunked-html",
  "gzipped",
  "etag",
  "etag-weak",
  "etag-odd",
  "vary",
  "range",
  "notfound",
  "forbidden",
  "created",
  "error",
  "no-content",
  "not-modified",
];

const ACCEPTED = [
  "gzip",
  "GZIP",
  "gzip;q=0",
  "gzip;q=0.0",
  "gzip; q=0.5",
  "gzip;q=1.000",
  "gzip;q=2",
  "gzip;q=x",
  "deflate, gzip",
  "deflate,gzip;q=0.1,br",
  "br",
  "identity",
  "*",
  "x-gzip",
];

const PROXIED = [
  "html",
  "private",
  "no-cache",
  "max-age",
  "expired",
  "expires-late",
  "modified",
  "etag",
];

/** All of them. */
export function samples(): Sample[] {
  const gzip = ["Accept-Encoding: gzip"];
  const via = [...gzip, "Via: 1.1 proxy"];
  return [
    ...[...RETURNS, ...REWRITES, ...ERRORS, ...HEADERS, ...COOKIES, ...ACCEL]
      .map((target) => sample(target)),
    ...SERVER_REWRITES.map((target) => sample(target, { host: "rewritten" })),
    sample("/x?y", { host: "moved" }),
    ...[
      "/return/200",
      "/return/302",
      "/e/404/",
      "/e/intercept/?answer=notfound",
      "/r/plain/x",
      "/accel/?answer=accel",
      "/h/own/?answer=html",
    ].flatMap((target) => [
      sample(target, { method: "HEAD" }),
      sample(target, { method: "POST", body: "abc" }),
    ]),
    sample("/return/200", { method: "OPTIONS" }),
    sample("/x", { method: "TRACE" }),
    ...ENCODED.map((name) => sample(`/z/?answer=${name}`, { fields: gzip })),
    ...ACCEPTED.map((accepted) =>
      sample("/z/?answer=html", { fields: [`Accept-Encoding: ${accepted}`] })
    ),
    sample("/z/?answer=html"),
    sample("/z/?answer=html", { method: "HEAD", fields: gzip }),
    sample("/z/?answer=html", { method: "POST", body: "a", fields: gzip }),
    sample("/z/?answer=html", { fields: via }),
    ...["html", "png", "untyped"].map((name) =>
      sample(`/z/all/?answer=${name}`, { fields: via })
    ),
    sample("/z/all/?answer=chunked-html", { fields: gzip }),
    ...PROXIED.map((name) =>
      sample(`/z/proxied/?answer=${name}`, { fields: via })
    ),
    sample("/z/proxied/?answer=max-age", {
      fields: [...via, "Authorization: Basic YTpi"],
    }),
    sample("/z/off/?answer=html", { fields: gzip }),
    sample("/z/return", { fields: gzip }),
    sample("/z/page", { fields: gzip }),
  ];
}
