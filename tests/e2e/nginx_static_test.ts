/**
 * The same requests for the same files, to nginx and to sameorigin: both must
 * answer the same, but for a written list.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { formatHttpDate, parseHttpDate } from "../../lib/exchange/http_date.ts";
import { utf8Bytes } from "../../lib/route/bytes.ts";
import { parseTarget } from "../../lib/route/path.ts";
import { startNginx } from "../support/nginx.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { testNeeding } from "../support/skip.ts";
import {
  CHANGED,
  makeSite,
  nginxHttp,
  ourConfig,
} from "./nginx_static_site.ts";

interface Seen {
  status: number;
  headers: Record<string, string>;
  body: string;
}

interface Sample {
  readonly method: string;
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
}

function get(
  target: string,
  fields: Sample["fields"] = {},
  method = "GET",
): Sample {
  return { method, target, fields };
}

const DATE = formatHttpDate(CHANGED);
const EARLIER = formatHttpDate(CHANGED - 1);
const LATER = formatHttpDate(CHANGED + 1);
const ETAG = `"${CHANGED.toString(16)}-a"`;

const PATHS = [
  ...["/", "/index.html", "/a.txt", "/a.txt?b=c", "/style.css", "/empty.txt"],
  ...["/noext", "/dot.", "/unknown.zzz", "/UPPER.HTML", "/two.tar.gz", "/a"],
  ...["/with%20space.txt", "/%C3%BC.txt", "/ü.txt", "/100%25.txt", "/A.TXT"],
  ...["/semi;colon.txt", "/what%3F.txt", "/what?.txt", "/plus+.txt"],
  ...["/back%5Cslash.txt", "/%2541.txt", "/%41.txt", "/big.txt", "/a.txt/"],
  ...["/a.txt/x", "/dir", "/dir/", "/dir?a=b", "/dir/?a=b", "/dir/page.html"],
  ...["/dir//page.html", "/dir/../a.txt", "/dir/%2e%2e/a.txt", "/dir/sub"],
  ...["/dir/sub/", "/sp%20ace", "/sp%20ace/", "/noindex", "/noindex/"],
  ...["/nothing", "/nothing/", "/nothing/x", "/indexdir/", "/index.html.d"],
  ...["/htm/", "/both/", "/both", "/index-path/", "/index-path/dir/"],
  ...["/index-path/nothing/", "/.hidden", "/.git/config", "/.git/", "/.git"],
  ...["/.well-known/security.txt", "/%2ehidden", "/..a", "/dir/..a/b"],
  ...["/link-in.txt", "/link-out.txt", "/link-dir-in/", "/link-dir-in"],
  ...["/link-dir-out/secret.txt", "/link-broken.txt", "/link-circle"],
  ...["/no-links/link-in.txt", "/no-links/a.txt", "/no-links/link-dir-in/"],
  ...["/no-links/link-dir-in/page.html", "/no-links/dir/page.html"],
  ...["/../outside.txt", "/%2e%2e/outside.txt", "/dir/..%2f..%2foutside.txt"],
  ...["/a.txt%00", "/a%00.txt", `/${"x".repeat(300)}`, "/x.re", "/dir/y.re"],
  ...["/alias/page.html", "/alias/", "/alias", "/alias/sub", "/alias/x"],
  ...["/alias-bare/page.html", "/alias-bare", "/alias-bare/", "/alias-barex"],
  ...[
    "/alias-bare../a.txt",
    "/alias-bareext.txt",
    "/alias-bare/../a.txt",
    "/alias-file",
  ],
  ...["/alias-file/", "/alias-file?x", "/alias-try/a.txt", "/alias-try/b"],
  ...["/alias-names/x", "/alias-names/", "/alias-folder/x", "/alias-folder/"],
  ...["/alias-arg/x?a=page.html", "/alias-arg/x?a=a.txt", "/alias-arg/?a=x"],
  ...["/alias-arg/x?a=../outside.txt", "/alias-arg/?a=/alias-arg/a.txt"],
  ...["/alias-try/dir", "/alias-try/", "/missing/", "/missing/x", "/missing"],
  ...[
    "/try/a.txt",
    "/try/sub",
    "/try/sub/",
    "/try/b",
    "/try/",
    "/try/b?c=d",
    "/try/a.txt/",
  ],
  ...["/try-args/x?c=d", "/try-uri/x", "/try-404/x", "/try-404/../spa/"],
  ...["/try-403/x", "/try-403/", "/try-folder/x", "/try-again/x"],
  ...["/try-circle/", "/try-return/", "/spa/", "/spa/deep/route?x=y"],
  ...["/spa/assets/a.js", "/spa/assets", "/spa/assets/b.js", "/spa/%2e"],
  ...["/octets/style.css", "/octets/noext", "/font.woff2"],
];

const RANGES = [
  ...["bytes=0-0", "bytes=2-5", "bytes=5-", "bytes=-3", "bytes=-0", "bytes=9-"],
  ...["bytes=10-", "bytes=10-12", "bytes=5-2", "bytes=0-100", "bytes=-100"],
  ...["bytes=0-9", "BYTES=1-2", "bytes= 1 - 2 ", "bytes=1-2,", "bytes=,1-2"],
  ...["bytes=x", "bytes=1", "bytes=-", "bytes=", "bytes", "octets=1-2"],
  ...["bytes=0-0,2-3", "bytes=0-0,20-30", "bytes=20-30,40-50", "bytes=0-1,x"],
  ...["bytes=0-6,4-9", "bytes=0-4,5-9", "bytes=-2,0-1", "bytes=1-2, 4-5,7-"],
  ...["bytes=0-99999999999999999", "bytes=0-99999999999999999999"],
];

const CONDITIONS: Sample["fields"][] = [
  { "If-Modified-Since": DATE },
  { "If-Modified-Since": EARLIER },
  { "If-Modified-Since": LATER },
  { "If-Modified-Since": "Sunday, 06-Nov-94 08:49:37 GMT" },
  { "If-Modified-Since": "Sun Nov  6 08:49:37 1994" },
  { "If-Modified-Since": "yesterday" },
  { "If-Unmodified-Since": DATE },
  { "If-Unmodified-Since": EARLIER },
  { "If-Unmodified-Since": LATER },
  { "If-Unmodified-Since": "yesterday" },
  { "If-None-Match": ETAG },
  { "If-None-Match": `W/${ETAG}` },
  { "If-None-Match": '"x"' },
  { "If-None-Match": `"x", ${ETAG} , "y"` },
  { "If-None-Match": "*" },
  { "If-None-Match": ETAG, "If-Modified-Since": DATE },
  { "If-None-Match": ETAG, "If-Modified-Since": LATER },
  { "If-None-Match": '"x"', "If-Modified-Since": DATE },
  { "If-Match": ETAG },
  { "If-Match": `W/${ETAG}` },
  { "If-Match": '"x"' },
  { "If-Match": `"x",${ETAG}` },
  { "If-Match": "*" },
  { "If-Match": ETAG, "If-None-Match": ETAG },
  { "If-Range": ETAG, Range: "bytes=1-2" },
  { "If-Range": `W/${ETAG}`, Range: "bytes=1-2" },
  { "If-Range": '"x"', Range: "bytes=1-2" },
  { "If-Range": DATE, Range: "bytes=1-2" },
  { "If-Range": EARLIER, Range: "bytes=1-2" },
  { "If-Range": LATER, Range: "bytes=1-2" },
  { "If-None-Match": ETAG, Range: "bytes=1-2" },
  { "If-None-Match": '"x"', Range: "bytes=1-2" },
];

const ENCODINGS = [
  ...["gzip", "gzip, deflate, br", "br", "gzip;q=0", "gzip;q=0.5", "identity"],
  ...["*", "GZIP", "x-gzip", "deflate,gzip;q=1.0", "gzip;q=0.000", ""],
];

/** Made of what ranges are made of. */
function randomRanges(): string[] {
  const pieces = ["-", "-", "-", ",", ",", " ", "0", "1", "4", "9", "10", "x"];
  return fc.sample(
    fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 9 }),
    { numRuns: 200, seed: 14 },
  ).map((parts) => `bytes=${parts.join("")}`);
}

/** Paths through all locations, most of them to nothing. */
function randomPaths(): string[] {
  const starts = [
    ...["/", "/", "/alias/", "/alias-bare/", "/try/", "/spa/", "/try-404/"],
    ...["/no-links/", "/index-path/", "/alias-try/", "/htm/", "/gzip/"],
  ];
  const pieces = [
    ...[
      "/",
      "/",
      "/",
      "a.txt",
      "dir",
      "sub",
      "x.txt",
      "page.html",
      "index.html",
    ],
    ...["..", ".", "%2e%2e", "%2f", "//", "%20", "%5C", ".git", "config", "x"],
    ...["link-in.txt", "link-dir-in", "link-dir-out", "secret.txt", "site2"],
    ...["?a=b", ";", "%252e", ".well-known", "security.txt", "noindex", "spa"],
  ];
  return fc.sample(
    fc.tuple(
      fc.constantFrom(...starts),
      fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }),
    ),
    { numRuns: 500, seed: 14 },
  ).map(([start, rest]) => start + rest.join(""));
}

function samples(): Sample[] {
  return [
    ...randomPaths().map((path) => get(path)),
    ...randomRanges().map((range) => get("/a.txt", { Range: range })),
    ...PATHS.map((path) => get(path)),
    ...RANGES.map((range) => get("/a.txt", { Range: range })),
    ...["/no-ranges/", "/two-ranges/"].flatMap((location) =>
      ["bytes=0-0", "bytes=0-0,2-2", "bytes=0-0,2-2,4-4"]
        .map((range) => get(`${location}a.txt`, { Range: range }))
    ),
    ...["bytes=0-0", "bytes=-1", "bytes=0-", "bytes=1-"]
      .map((range) => get("/empty.txt", { Range: range })),
    ...["bytes=70000-90000", "bytes=100000-", "bytes=-5", "bytes=5-6,90000-"]
      .map((range) => get("/big.txt", { Range: range })),
    get("/index.html", { Range: "bytes=0-1,3-4" }),
    get("/spa/deep", { Range: "bytes=0-1" }),
    ...["/", "/before/", "/ims-off/", "/off/"].flatMap((location) =>
      CONDITIONS.map((fields) => get(`${location}a.txt`, fields))
    ),
    ...["max", "epoch", "never", "zero", "month", "modified"]
      .map((name) => get(`/${name}/a.txt`)),
    ...["modified-past", "daily", "off"].map((name) => get(`/${name}/a.txt`)),
    get("/max/a.txt", { "If-None-Match": ETAG }),
    get("/max/a.txt", { Range: "bytes=0-1" }),
    get("/max/nothing"),
    ...ENCODINGS.flatMap((coding) =>
      ["app.js", "only.css"].map((name) =>
        get(`/gzip/${name}`, { "Accept-Encoding": coding })
      )
    ),
    get("/gzip/app.js", { "Accept-Encoding": "gzip", Range: "bytes=0-3" }),
    get("/gzip/app.js", { "Accept-Encoding": "gzip", Via: "1.1 cache" }),
    get("/app.js", { "Accept-Encoding": "gzip" }),
    ...["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "HEAD"].flatMap(
      (method) =>
        [
          ...["/a.txt", "/nothing", "/dir", "/dir/", "/noindex/", "/spa/x"],
          ...["/try-404/x", "/try-return/", "/gzip/app.js", "/big.txt"],
        ].map((path) => get(path, {}, method)),
    ),
    get("/a.txt", { Range: "bytes=1-2" }, "HEAD"),
    get("/a.txt", { Range: "bytes=1-2,4-5" }, "HEAD"),
    get("/a.txt", { Range: "bytes=20-" }, "HEAD"),
    get("/a.txt", { "If-None-Match": ETAG }, "HEAD"),
  ];
}

async function observe(
  port: number,
  { method, target, fields }: Sample,
): Promise<Seen> {
  const lines = Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const answer = await rawExchange(
    port,
    `${method} ${target} HTTP/1.1\r\nHost: site.example\r\n${lines}` +
      "Connection: close\r\n\r\n",
  );
  const end = answer.indexOf("\r\n\r\n");
  const [status = "", ...all] = answer.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(
    all.map((field) => {
      const colon = field.indexOf(":");
      return [
        field.slice(0, colon).toLowerCase(),
        field.slice(colon + 1).trim(),
      ];
    }).toSorted(([a = ""], [b = ""]) => a < b ? -1 : 1),
  );
  return {
    status: Number(status.split(" ")[1]),
    headers,
    body: answer.slice(end + 4),
  };
}

function without({ headers }: Seen, ...names: string[]): void {
  for (const name of names) delete headers[name];
}

interface Difference {
  readonly reason: string;
  readonly level: (nginx: Seen, ours: Seen, sample: Sample) => void;
}

/** Takes our answer for nginx's too, where ours is this one. */
function instead(status: number, path: RegExp): Difference["level"] {
  return (nginx, ours, { target }) => {
    if (ours.status !== status || nginx.status === status) return;
    const asked = parseTarget(target)?.path ?? "";
    if (path.test(asked)) Object.assign(nginx, structuredClone(ours));
  };
}

const DIFFERENCES: readonly Difference[] = [
  {
    reason: "X-Request-ID is sent, so that logs can be joined",
    level: (_, ours) => without(ours, "x-request-id"),
  },
  {
    reason: "Server is not sent, nor Connection",
    level: (nginx, ours) => {
      for (const seen of [nginx, ours]) without(seen, "server", "connection");
    },
  },
  {
    reason: "the two answer at different times",
    level: (nginx, ours) => {
      for (const seen of [nginx, ours]) {
        const { date = "", expires, "cache-control": control } = seen.headers;
        without(seen, "date");
        const [, age] = /^max-age=(\d+)$/.exec(control ?? "") ?? [];
        // `expires max` is always the same.
        if (expires === undefined || age === "315360000") continue;
        const rest = parseHttpDate(expires) - parseHttpDate(date);
        if (age === undefined) {
          if (rest <= 2 && rest > -5) seen.headers["expires"] = "just before";
          continue;
        }
        ok(Math.abs(rest - Number(age)) <= 2, `${expires} and ${age}`);
        // Counted from the last change or to a time of the day.
        without(seen, "expires");
        seen.headers["cache-control"] = `max-age=${
          Math.round(Number(age) / 10) * 10
        }`;
      }
    },
  },
  {
    reason: "the boundary of parts is a random one",
    level: (nginx, ours) => {
      for (const seen of [nginx, ours]) {
        const [, boundary] =
          /boundary=(\S+)/.exec(seen.headers["content-type"] ?? "") ?? [];
        if (boundary === undefined) continue;
        seen.body = seen.body.replaceAll(boundary, "B");
        seen.headers["content-type"] = "multipart/byteranges; boundary=B";
      }
    },
  },
  {
    reason: "pages of the proxy's own are worded otherwise, are not cached, " +
      "and a 405 says what is allowed (RFC 9110 section 15.5.6)",
    level: (nginx, ours, { method }) => {
      for (const seen of [nginx, ours]) {
        const { status, headers } = seen;
        const redirects = status === 301;
        if (!redirects && status < 400) continue;
        if (seen === ours && method !== "HEAD") ok(seen.body !== "");
        const { location, "content-range": range } = headers;
        seen.body = "";
        seen.headers = {
          ...location === undefined ? {} : { location },
          ...range === undefined ? {} : { range },
        };
      }
    },
  },
  {
    reason: "hidden files are as if they were not there, but for /.well-known/",
    level: instead(404, /\/\.(?!well-known\/)/),
  },
  {
    reason: "a link that leads out of the folder is refused",
    level: instead(403, /link-(dir-)?out/),
  },
  {
    reason: "an alias stands for whole segments: the rest of one is in no " +
      "folder",
    level: instead(404, /^\/alias-bare[^/]/),
  },
  {
    reason:
      "a link on the way to a file is refused as the last one is, with 403",
    level: instead(403, /^\/no-links\/link-.*\//),
  },
  {
    reason: "the usual media types are known; `types` adds to them",
    level: (nginx, ours, { target }) => {
      const type = ours.headers["content-type"];
      if (type === undefined || !/^\/(octets\/style|font)/.test(target)) return;
      nginx.headers["content-type"] = type;
    },
  },
  {
    reason: "where an alias is a file, its own name tells the media type",
    level: (nginx, ours, { target }) => {
      const type = ours.headers["content-type"];
      if (type !== undefined && target.startsWith("/alias-file")) {
        nginx.headers["content-type"] = type;
      }
    },
  },
  {
    reason: "a file is compressed for proxies too: Vary tells them " +
      "(nginx's gzip_proxied)",
    level: (nginx, ours, { fields }) => {
      if (fields["Via"] !== undefined) {
        ok(ours.headers["vary"] === "Accept-Encoding");
        Object.assign(nginx, structuredClone(ours));
      }
    },
  },
  {
    reason: "what a variable brings into try_files does not lead out of the " +
      "folder",
    level: instead(404, /^\/alias-arg\//),
  },
  {
    reason: "a path of try_files is joined to an alias with one slash",
    level: ({ headers }) => {
      const { location } = headers;
      if (location === undefined) return;
      headers["location"] = location.replace(/([^:])\/\//g, "$1/");
    },
  },
  {
    reason: "a redirect keeps the port that the client named; nginx puts the " +
      "one that it listens on",
    level: (nginx, ours) => {
      const { location } = nginx.headers;
      if (location === undefined || ours.headers["location"] === undefined) {
        return;
      }
      nginx.headers["location"] = location.replace(
        /^http:\/\/site\.example:\d+\//,
        "http://site.example/",
      );
    },
  },
];

testNeeding(
  ["nginx"],
  "sameorigin serves files as nginx does, but for a written list of differences",
  async (t) => {
    await using site = await makeSite();
    await using nginx = await startNginx(nginxHttp(site.path));
    await using proxy = startProxy(ourConfig(site.path));
    const needed = new Set<string>();
    const all = samples();
    ok(all.length >= 60, `${all.length} requests`);
    for (const sample of all) {
      const asBytes = { ...sample, target: utf8Bytes(sample.target) };
      const theirs = await observe(nginx.port, asBytes);
      const ours = await observe(proxy.port, asBytes);
      for (const { reason, level } of DIFFERENCES) {
        const before = JSON.stringify([theirs, ours]);
        level(theirs, ours, sample);
        if (JSON.stringify([theirs, ours]) !== before) needed.add(reason);
      }
      if (!isDeepStrictEqual(theirs, ours)) {
        const { method, target, fields } = sample;
        await t.step(
          `${method} ${target.slice(0, 80)} ${JSON.stringify(fields)}`,
          () => deepStrictEqual(ours, theirs),
        );
      }
    }
    deepStrictEqual(
      DIFFERENCES.map(({ reason }) => reason).filter((r) => !needed.has(r)),
      [],
      "differences that were never seen",
    );
  },
);
