/**
 * What becomes of requests and answers: rewrite, error_page, add_header,
 * cookies, compression, TLS to upstreams.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { locate, plan, problems, proxyOf } from "./config.ts";

const TO = "http://a:80";

/** Where in the location a problem is. */
const PLACE =
  /^config\.yaml: locations\["\/"\](?:\.[\w-]+|\[(?:"[^"]*"|\d+)\])*: /;

/** The problems of one value in a location that proxies, without their place. */
function refusals(name: string, value: unknown): string[] {
  const location = { proxy_pass: TO, [name]: value };
  return problems({ locations: { "/": location } })
    .map((line) => line.replace(PLACE, ""));
}

function refuses(name: string, value: unknown, message: string): void {
  assert.deepEqual(refusals(name, value), [message], JSON.stringify(value));
}

Deno.test("a rewrite is one text, a list of texts, or words in a list", () => {
  for (
    const rewrite of [
      "^/a/(.*)$ /b/$1 last",
      " rewrite ^/a/(.*)$  /b/$1  last ",
      ["^/a/(.*)$ /b/$1 last"],
      [["^/a/(.*)$", "/b/$1", "last"]],
    ]
  ) {
    const document = { locations: { "/": { rewrite } } };
    const { rewrite: rules, content } = locate(
      plan(JSON.stringify(document)),
      "/",
    );
    assert.equal(rules?.length, 1);
    assert.equal(rules?.[0]?.written, "^/a/(.*)$ /b/$1 last");
    assert.deepEqual(rules?.[0]?.action, { kind: "last" });
    // One that only rewrites has nothing else to answer with.
    assert.equal(content.kind === "return" && content.status, 404);
  }
});

Deno.test("a URL is a redirect, whatever stands behind it", () => {
  const action = (rewrite: string) =>
    locate(plan(JSON.stringify({ locations: { "/": { rewrite } } })), "/")
      .rewrite?.[0]?.action;
  const found = { kind: "redirect", status: 302 };
  assert.deepEqual(action("^ https://b.example/"), found);
  assert.deepEqual(action("^ $scheme://b.example/ last"), found);
  assert.deepEqual(action("^ /b redirect"), found);
  assert.deepEqual(action("^ http://b.example/ permanent"), {
    kind: "redirect",
    status: 301,
  });
  assert.deepEqual(action("^ /b"), { kind: "next" });
  assert.deepEqual(action("^ /b break"), { kind: "break" });
});

Deno.test("what is no rewrite is refused, with what was meant", () => {
  const WORDS = 'expected "REGEX REPLACEMENT" with last, break, redirect or ' +
    'permanent behind it, such as "^/old/(.*)$ /new/$1 permanent"';
  refuses("rewrite", "^/a", `${WORDS}, got "^/a"`);
  refuses(
    "rewrite",
    "^/a b /c last",
    `${WORDS}, got "^/a b /c last" (a regular expression with spaces is ` +
      "written as a list: [REGEX, REPLACEMENT, last])",
  );
  refuses(
    "rewrite",
    "^/a /b lst",
    'expected last, break, redirect or permanent, got "lst" (did you mean ' +
      '"last"?)',
  );
  refuses(
    "rewrite",
    "^/a /b last;",
    '"^/a /b last;": no semicolon at the end here',
  );
  refuses(
    "rewrite",
    "^/(a /b",
    '"^/(a" is not a valid regular expression: unterminated group',
  );
  refuses(
    "rewrite",
    "^/(.*)$ /b/$2",
    '$2 is not there: "^/(.*)$" has 1 group',
  );
  refuses("rewrite", "^/a$ /b/$1", '$1 is not there: "^/a$" has no group');
  refuses(
    "rewrite",
    "^/a b",
    'the replacement must start with "/", "http://" or "https://", got "b"',
  );
  refuses("rewrite", "^/a /b#c", 'a "#" has no meaning in a URI, got "/b#c"');
  refuses(
    "rewrite",
    "^/a /$nothing",
    'unknown variable "$nothing"',
  );
  refuses(
    "rewrite",
    [["^/a", "/b c"]],
    'the replacement "/b c" has spaces (write %20 in a URL)',
  );
});

Deno.test("return may use what its location's expression takes, and no more", () => {
  const document = (key: string, more: Record<string, unknown>) => ({
    locations: { [key]: { return: "301 /new/$2", ...more } },
  });
  plan(JSON.stringify(document("~ ^/(a)/(b)$", {})));
  plan(JSON.stringify(document("/", { rewrite: "^/(a)/(b)$ /c" })));
  assert.deepEqual(problems(document("~ ^/(a)$", {})), [
    'config.yaml: locations["~ ^/(a)$"].return: $2 is never set: the ' +
    "location's regular expression has only 1 group",
  ]);
  assert.deepEqual(problems(document("/a", {})), [
    'config.yaml: locations["/a"].return: $2 is never set: the location has ' +
    "no regular expression with groups (write ~ and one as its key)",
  ]);
});

Deno.test("error pages are a map from statuses to paths and URLs", () => {
  const { errorPages } = locate(
    plan(`
error_page: {404: /404.html, 502 503: "=200 /busy?a=b", 403: = /login, 301: "=308 https://b.example/"}
locations: {/: "${TO}"}
`),
    "/",
  );
  assert.deepEqual([...errorPages!.keys()].toSorted(), [
    ...[301, 403, 404, 502, 503],
  ]);
  const status = (of: number) => errorPages!.get(of)?.status;
  assert.deepEqual([404, 502, 503, 403, 301].map(status), [
    "error",
    200,
    200,
    "page",
    308,
  ]);
});

Deno.test("a level that has error pages or headers inherits none, an empty map neither", () => {
  const read = plan(`
error_page: {404: /a}
add_header: {X-A: a}
locations:
  /: ${TO}
  /b: {error_page: {403: /a}, add_header: {X-B: b}, proxy_pass: "${TO}"}
  /c: {error_page: {}, add_header: {}, proxy_pass: "${TO}"}
`);
  const keys = (path: string) => [
    ...locate(read, path).errorPages?.keys() ?? [],
  ];
  assert.deepEqual([keys("/"), keys("/b"), keys("/c")], [[404], [403], []]);
  const names = (path: string) =>
    locate(read, path).filters.flatMap((filter) =>
      filter.kind === "add_header" ? filter.fields.map(({ name }) => name) : []
    );
  assert.deepEqual([names("/"), names("/b"), names("/c")], [
    ["x-a"],
    ["x-b"],
    [],
  ]);
  assert.deepEqual(locate(read, "/c").filters, []);
});

Deno.test("what is no error page is refused", () => {
  refuses(
    "error_page",
    { "404,500": "/a" },
    'expected statuses such as "404" or "502 503 504", got "404,500" (separate ' +
      "them by spaces)",
  );
  refuses(
    "error_page",
    { 200: "/a" },
    "the status of an error page must be 300 to 599, got 200",
  );
  refuses(
    "error_page",
    { 499: "/a" },
    "499 is for clients that have left: nobody reads it",
  );
  refuses(
    "error_page",
    { 404: "@named" },
    "named locations are not supported (write a path, and a location for it " +
      "with internal: true)",
  );
  refuses(
    "error_page",
    { 404: "=200 https://b.example/" },
    '"=200" has no meaning with a URL, which is redirected to (write =301, ' +
      "=302, =303, =307 or =308)",
  );
  refuses(
    "error_page",
    { 404: "a.html" },
    'expected a path or URL such as /404.html, with "=" or "=STATUS" before it ' +
      'to change the status, got "a.html"',
  );
  refuses(
    "error_page",
    { 404: "/a/../b" },
    '"/a/../b" is never looked for: no "#", "//" or dot segment',
  );
});

Deno.test("a page that no location takes is told once, where it is written", () => {
  assert.deepEqual(
    problems({
      error_page: { "404 405": "/none.html" },
      locations: { "/a": TO, "/b": TO },
    }),
    [
      'config.yaml: error_page: no location takes "/none.html" (add one, such ' +
      'as "= /none.html": {return: [200, "…"], internal: true})',
    ],
  );
  plan(`{error_page: {404: "/$arg_a"}, locations: {/a: "${TO}"}}`);
  plan(`{error_page: {404: /x}, rewrite: ^/x /a, locations: {/a: "${TO}"}}`);
});

Deno.test("a header is added with one value or several, perhaps always", () => {
  const { filters } = locate(
    plan(`
locations:
  /:
    proxy_pass: ${TO}
    add_header:
      X-Frame-Options: DENY
      Strict-Transport-Security: [max-age=1, always]
      Link: [<a>, <b>]
      X-Always: [always]
`),
    "/",
  );
  const [filter] = filters;
  assert(filter?.kind === "add_header");
  assert.deepEqual(filter.fields.map(({ name, always }) => [name, always]), [
    ["x-frame-options", false],
    ["strict-transport-security", true],
    ["link", false],
    ["link", false],
    ["x-always", false],
  ]);
});

Deno.test("a header that a response has once, or that is the connection's, can't be added", () => {
  const reasons: Record<string, string> = {
    "Content-Length":
      "Content-Length can't be added: the proxy sends it as the body needs it",
    "Connection":
      "Connection can't be added: it belongs to the connection, which the " +
      "proxy makes itself",
    "Content-Type": "Content-Type can't be added: a response has one, and " +
      "there can't be two (see default_type)",
    "Sec-WebSocket-Accept": "Sec-WebSocket-Accept can't be added: it is part " +
      "of the WebSocket handshake",
    "X A": '"X A" is not a header name',
    "X-A:": '"X-A:" is not a header name (without the colon)',
  };
  for (const [name, message] of Object.entries(reasons)) {
    refuses("add_header", { [name]: "x" }, message);
  }
  refuses(
    "add_header",
    { "X-A": "DENY always" },
    '"always" would be sent as part of the value (write ["DENY", always])',
  );
  refuses(
    "add_header",
    { "X-A": "a\nb" },
    "a header's value has no line breaks or other control characters",
  );
  refuses(
    "add_header",
    { "X-A": "x", "x-a": "y" },
    "this header is already added above (write its values as a list)",
  );
});

Deno.test("cookie rules are maps, or off", () => {
  const { responseRules } = proxyOf(locate(
    plan(`
locations:
  /:
    proxy_pass: ${TO}
    proxy_hide_header: [X-A, x-b]
    proxy_pass_header: X-B
    proxy_cookie_domain: {localhost: b.example, '~^(\\w+)\\.in$': $1.out}
    proxy_cookie_path: off
    proxy_cookie_flags: {"~": secure httponly, one: [nosecure, samesite=lax]}
`),
    "/",
  ));
  assert.deepEqual([...responseRules!.hidden], ["x-a"]);
  const { domains = [], paths = [], flags = [] } = responseRules!.cookies ?? {};
  assert.deepEqual(domains.map(({ kind }) => kind), ["text", "regex"]);
  assert.deepEqual(paths, []);
  assert.deepEqual(
    flags.map(({ name, secure, httpOnly, sameSite }) => ({
      name,
      secure,
      httpOnly,
      sameSite,
    })),
    [
      { name: "", secure: true, httpOnly: true, sameSite: null },
      { name: "one", secure: false, httpOnly: null, sameSite: "Lax" },
    ],
  );
  refuses("proxy_cookie_flags", { null: "secure" }, 'write "~" in quotes');
  refuses(
    "proxy_cookie_flags",
    { a: "secur" },
    'no flag is called "secur" (did you mean "secure"?)',
  );
  refuses(
    "proxy_cookie_path",
    { "/": "/; Secure" },
    "an attribute of a cookie has no semicolon or comma",
  );
  refuses(
    "proxy_cookie_path",
    { "~^/(a)": "/$2" },
    '$2 is not there: "^/(a)" has 1 group',
  );
  refuses(
    "proxy_cookie_domain",
    "on",
    'expected "off", or a map such as {localhost: example.com}, got "on"',
  );
  refuses(
    "proxy_ignore_headers",
    "Expires",
    '"expires" means nothing to the proxy, it need not be ignored',
  );
});

Deno.test("what is compressed, with what and how thoroughly", () => {
  const { filters } = locate(
    plan(`
gzip: on
brotli: on
locations:
  /:
    proxy_pass: ${TO}
    gzip_types: text/css Application/JSON
    gzip_comp_level: 9
    brotli_types: "*"
    gzip_proxied: expired no-cache
    gzip_vary: off
`),
    "/",
  );
  assert.deepEqual(filters, [{
    kind: "compress",
    codings: [
      {
        name: "br",
        level: 4,
        minLength: 20,
        types: { all: true, names: new Set(["text/html"]) },
      },
      {
        name: "gzip",
        level: 9,
        minLength: 20,
        types: {
          all: false,
          names: new Set(["text/html", "text/css", "application/json"]),
        },
      },
    ],
    vary: false,
    proxied: new Set(["expired", "no-cache"]),
  }]);
  refuses(
    "gzip_types",
    "text/css; charset=utf-8",
    'expected a media type such as text/css, or "*", got "text/css;" (no ' +
      "semicolon at the end here) (without anything behind it)",
  );
  refuses(
    "gzip_comp_level",
    10,
    "expected a level from 1 to 9, got the number 10",
  );
  refuses("gzip_proxied", "off any", '"off" excludes other conditions');
  refuses(
    "gzip_proxied",
    "expire",
    'no condition is called "expire" (did you mean "expired"?)',
  );
});

const pem = (name: string) =>
  fileURLToPath(new URL(`../support/tls/upstream/${name}`, import.meta.url));

Deno.test("locations that speak TLS otherwise have upstreams of their own", () => {
  const read = plan(JSON.stringify({
    upstreams: { a: "h:443" },
    locations: {
      "/": "https://a",
      "/b": { proxy_pass: "https://a", proxy_ssl_verify: false },
      "/c": { proxy_pass: "https://a", proxy_ssl_verify: false },
      "/d": { proxy_pass: "https://a", proxy_ssl_name: "D.example" },
      "/e": {
        proxy_pass: "https://a",
        proxy_ssl_trusted_certificate: pem("ca.crt"),
        proxy_ssl_certificate: pem("client.crt"),
        proxy_ssl_certificate_key: pem("client.key"),
      },
      "/f": { proxy_pass: "http://a", proxy_ssl_verify: false },
    },
  }));
  const upstream = (path: string) => proxyOf(locate(read, path)).upstream;
  assert.equal(upstream("/").tls, null);
  assert.equal(upstream("/b").tls?.verify, false);
  assert.equal(upstream("/b"), upstream("/c"));
  assert.notEqual(upstream("/b"), upstream("/"));
  assert.equal(upstream("/d").tls?.name, "d.example");
  assert.match(upstream("/e").tls?.trusted ?? "", /^-----BEGIN CERTIFICATE/);
  assert.match(upstream("/e").tls?.certificate?.key ?? "", /PRIVATE KEY/);
  assert.equal(upstream("/f").tls, null);
  assert.equal(read.upstreams.length, 5);
});

Deno.test("a file for TLS that can't be used is a problem, told where it is written", () => {
  const wrong = (settings: Record<string, unknown>) =>
    problems({
      ...settings,
      locations: { "/": "https://a:8443", "/b": "https://a:8443" },
    });
  assert.deepEqual(wrong({ proxy_ssl_trusted_certificate: "/none.pem" }), [
    "config.yaml: proxy_ssl_trusted_certificate: there is no file /none.pem",
  ]);
  assert.deepEqual(wrong({ proxy_ssl_certificate: pem("client.crt") }), [
    "config.yaml: proxy_ssl_certificate: proxy_ssl_certificate_key is missing: " +
    "the key that it needs",
  ]);
  assert.deepEqual(
    wrong({
      proxy_ssl_certificate: pem("client.crt"),
      proxy_ssl_certificate_key: pem("server.key"),
    }),
    [
      "config.yaml: proxy_ssl_certificate_key: the key does not belong to the " +
      "certificate",
    ],
  );
  assert.deepEqual(
    wrong({
      proxy_ssl_certificate: pem("client.key"),
      proxy_ssl_certificate_key: pem("client.key"),
    }),
    [
      `config.yaml: proxy_ssl_certificate: ${pem("client.key")} has no ` +
      "certificate but a private key (are the two files swapped?)",
    ],
  );
  assert.deepEqual(wrong({ proxy_ssl_server_name: "off" }), [
    "config.yaml: proxy_ssl_server_name: the platform always sends the name to " +
    "which it connects (set another one with proxy_ssl_name)",
  ]);
  // Nobody reads a file that nothing uses.
  plan(`{proxy_ssl_certificate: /none, locations: {/: "${TO}"}}`);
});
