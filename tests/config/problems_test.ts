import assert from "node:assert/strict";
import { ConfigError, formatPath } from "../../lib/config/config_error.ts";
import { loadPlan } from "../../lib/config/load.ts";
import { syntaxProblem } from "../../lib/config/yaml_text.ts";
import { plan, problems, thrown } from "./config.ts";

/** A config is refused with these lines, each without its `config.yaml: `. */
function refuses(config: unknown, ...lines: string[]): void {
  assert.deepEqual(
    problems(config),
    lines.map((line) => `config.yaml: ${line}`),
  );
}

/** A config with one location more or less, and these directives. */
function around(directives: Record<string, unknown>): Record<string, unknown> {
  return { locations: { "/": "http://localhost:1234" }, ...directives };
}

Deno.test("an upstream that is not there is named, with the one that was meant", () => {
  refuses(
    `
upstreams: {backend: "backend:8000"}
locations:
  /api:
    proxy_pass: http://backnd
  /: http://bakcend/x
`,
    'locations["/api"].proxy_pass: no upstream is called "backnd" (did you mean "backend"?)',
    'locations["/"]: no upstream is called "bakcend" (did you mean "backend"?)',
  );
});

Deno.test("a document that is no map is refused", () => {
  refuses("", 'the file is empty: it needs "locations" at least');
  refuses("# only this\n", 'the file is empty: it needs "locations" at least');
  refuses("3", "expected a map of directives, got the number 3");
  refuses("text", 'expected a map of directives, got "text"');
  refuses("- listen: 1", "expected a map of directives, got a list");
  refuses("[]", "expected a map of directives, got a list");
  refuses("{}", '"locations" is missing: it says which paths go where');
});

Deno.test("a value of the wrong type is refused with what was expected", () => {
  const message = (directive: string, value: unknown) =>
    problems(around({ [directive]: value })).map((line) =>
      line.replace("config.yaml: ", "")
    );
  const cases: [string, unknown, ...string[]][] = [
    [
      "listen",
      true,
      'listen: expected a port, "host:port", or a list of them, got true',
    ],
    [
      "listen",
      null,
      'listen: expected a port, "host:port", or a list of them, got nothing',
    ],
    ["listen", [], "listen: the list is empty"],
    [
      "listen",
      [9000, {}],
      "listen[1].address: is missing",
    ],
    [
      "server_name",
      10,
      "server_name: expected a host name or a list of them, got the number 10",
    ],
    [
      "server_name",
      ["a", 1.5],
      "server_name[1]: expected a host name, got the number 1.5 (put it in quotes)",
    ],
    [
      "upstreams",
      "a:80",
      'upstreams: expected a map such as "backend: localhost:8000", got "a:80"',
    ],
    [
      "upstreams",
      { a: 80 },
      'upstreams.a: expected "host:port", a list of them, or a map with servers, got the number 80',
    ],
    [
      "upstreams",
      { a: [80] },
      'upstreams.a[0]: expected "host:port", got the number 80',
    ],
    [
      "upstreams",
      { a: ["a:80", "b"] },
      'upstreams.a[1]: "b" has no port (write "b:80")',
    ],
    ["upstreams", { a: {} }, "upstreams.a.servers: is missing"],
    [
      "upstreams",
      { a: { servers: ["a:80"], keepalive: -1 } },
      "upstreams.a.keepalive: expected a whole number, got the number -1",
    ],
    [
      "upstreams",
      { a: { servers: [{ address: "a:80", weigth: 2 }] } },
      'upstreams.a.servers[0].weigth: unknown directive (did you mean "weight"?)',
    ],
    [
      "upstreams",
      { a: { servers: [{ address: "a:80", weight: 0 }] } },
      "upstreams.a.servers[0].weight: expected a whole number of at least 1, got the number 0",
    ],
    [
      "upstreams",
      { a: { servers: ["a:80"], balance: "leastconn" } },
      'upstreams.a.balance: expected "round_robin", "least_conn", "ip_hash", "hash KEY", "hash KEY consistent", "random" or "random two", got "leastconn"',
    ],
    [
      "upstreams",
      { a: { servers: ["a:80"], balance: "hash" } },
      'upstreams.a.balance: "hash" needs a key, such as "hash $remote_addr consistent"',
    ],
    [
      "upstreams",
      { a: { servers: ["a:80"], balance: "hash $remote_adr" } },
      'upstreams.a.balance: unknown variable "$remote_adr" (did you mean "$remote_addr"?)',
    ],
    [
      "upstreams",
      { a: { servers: ["a:80"], sticky: "a b" } },
      'upstreams.a.sticky: expected a cookie\'s name, got "a b"',
    ],
    [
      "upstreams",
      { a: { servers: ["a:80"], health_check: "health" } },
      'upstreams.a.health_check: expected a path such as /health, got "health"',
    ],
    [
      "upstreams",
      { a: { servers: ["a:80"], health_check: { path: "/", status: "2xx" } } },
      'upstreams.a.health_check.status: expected a status such as 200, a range such as "200-399", or a list of them, got "2xx"',
    ],
    [
      "proxy_next_upstream",
      "error http_501",
      'proxy_next_upstream: no condition is called "http_501" (did you mean "http_500"?)',
    ],
    [
      "proxy_next_upstream",
      "off error",
      'proxy_next_upstream: "off" excludes other conditions',
    ],
    [
      "websocket_message_rate",
      "100",
      'websocket_message_rate: expected a rate such as 100/s or 600/m, or "off", got "100"',
    ],
    [
      "limit_conn",
      0,
      "limit_conn: expected a whole number of at least 1, got the number 0",
    ],
    [
      "trusted_proxies",
      ["10.0.0.0/8", "10.0.0.0/33"],
      'trusted_proxies[1]: expected a network such as 10.0.0.0/8 or fd00::/8, or "unix", got "10.0.0.0/33"',
    ],
    [
      "request_timeout",
      "1 minute",
      'request_timeout: expected a time such as 30s, or "off", got "1 minute"',
    ],
    [
      "upstreams",
      { "a b": "a:80" },
      'upstreams["a b"]: "a b" is not a valid name: only letters, digits, "_", "-" and "."',
    ],
    [
      "upstreams",
      { "10": "a:80" },
      'upstreams["10"]: "10" is not a host name or address',
    ],
    [
      "upstreams",
      { A: "a:80", a: "a:80" },
      "upstreams.a: this name is already used above, in different letter case",
    ],
    [
      "proxy_set_header",
      ["Host $host"],
      'proxy_set_header: expected a map of headers, such as "Host: $host", got a list',
    ],
    [
      "proxy_set_header",
      "Host $host",
      'proxy_set_header: expected a map of headers, such as "Host: $host", got "Host $host"',
    ],
    [
      "proxy_set_header",
      { "X-A": 1.1 },
      'proxy_set_header["X-A"]: expected text, got the number 1.1 (put it in quotes)',
    ],
    [
      "proxy_set_header",
      { "X-A": null },
      'proxy_set_header["X-A"]: expected text, got nothing (write "" to send no such header)',
    ],
    [
      "proxy_set_header",
      { Host: "" },
      "proxy_set_header.Host: a request needs a Host (RFC 9110 section 7.2)",
    ],
    [
      "proxy_set_header",
      { "X-A": "1", "x-a": "2" },
      'proxy_set_header["x-a"]: this header is already set above, in different letter case',
    ],
    [
      "proxy_set_header",
      { "Host:": "$host" },
      'proxy_set_header["Host:"]: "Host:" is not a header name (without the colon)',
    ],
    [
      "proxy_set_header",
      { "X A": "$hots" },
      'proxy_set_header["X A"]: "X A" is not a header name',
      'proxy_set_header["X A"]: unknown variable "$hots" (did you mean "$host"?)',
    ],
    [
      "proxy_redirect",
      true,
      'proxy_redirect: expected "default", "off", or a map from prefix to replacement, got true',
    ],
    [
      "proxy_redirect",
      "of",
      'proxy_redirect: expected "default", "off", or a map from prefix to replacement, got "of"',
    ],
    [
      "proxy_redirect",
      "http://a/ /x/;",
      'proxy_redirect: expected "default", "off", or a map from prefix to replacement, got "http://a/ /x/;" (no semicolon at the end here) (write {"http://a/": "/x/"})',
    ],
    [
      "proxy_redirect",
      { "~x": "/" },
      'proxy_redirect["~x"]: regular expressions are not supported here',
    ],
    [
      "proxy_redirect",
      { "/a": "$hots" },
      'proxy_redirect["/a"]: unknown variable "$hots" (did you mean "$host"?)',
    ],
    [
      "client_max_body_size",
      "1 MB",
      'client_max_body_size: expected a size such as 64k, 10m or 1g, got "1 MB" (write 1m)',
    ],
    [
      "client_max_body_size",
      false,
      "client_max_body_size: expected a size such as 64k, 10m or 1g, got false",
    ],
    [
      "proxy_read_timeout",
      "60s;",
      'proxy_read_timeout: expected a time such as 500ms, 30s, 5m or 1h, got "60s;" (no semicolon at the end here)',
    ],
    [
      "proxy_read_timeout",
      0,
      "proxy_read_timeout: the time must be more than 0",
    ],
    [
      "proxy_read_timeout",
      [1],
      "proxy_read_timeout: expected a time such as 500ms, 30s, 5m or 1h, got a list",
    ],
    [
      "workers",
      0,
      'workers: expected "auto" or a number from 1 to 256, got the number 0',
    ],
    [
      "workers",
      "all",
      'workers: expected "auto" or a number from 1 to 256, got "all"',
    ],
    [
      "websocket_ping",
      "never",
      'websocket_ping: expected a time such as 30s, or "off", got "never"',
    ],
    [
      "websocket_ping",
      false,
      'websocket_ping: expected a time such as 30s, or "off", got false',
    ],
    [
      "websocket_buffer_size",
      "-",
      'websocket_buffer_size: expected a size such as 64k, 10m or 1g, got "-"',
    ],
    [
      "log_format",
      "combine",
      'log_format: expected "combined" or "json", got "combine"',
    ],
    ["access_log", "no", 'access_log: expected on or off, got "no"'],
    [
      "access_log",
      "/var/log/x.log",
      'access_log: expected on or off, got "/var/log/x.log"',
    ],
    ["dev", 1, "dev: expected on or off, got the number 1"],
    [
      "shutdown_timeout",
      "1w",
      'shutdown_timeout: expected a time such as 500ms, 30s, 5m or 1h, got "1w"',
    ],
    [
      "websocket_drain",
      "30s",
      "websocket_drain: must be less than shutdown_timeout (30s)",
    ],
    ["servers", {}, "servers: expected a list of servers, got a map"],
    ["locations", {}, "locations: at least one location is needed"],
    [
      "locations",
      ["/"],
      "locations: expected a map from paths to addresses, got a list",
    ],
    [
      "locations",
      { "/": 8000 },
      'locations["/"]: expected an address such as http://backend, or a map with proxy_pass, got the number 8000 (write http://localhost:8000)',
    ],
    [
      "locations",
      { "/": [] },
      'locations["/"]: expected an address such as http://backend, or a map with proxy_pass, got a list',
    ],
    [
      "locations",
      { "/": {} },
      'locations["/"]: a location needs proxy_pass, return or root',
    ],
    [
      "locations",
      { "/": { proxy_pass: "http://a:80", return: 404 } },
      'locations["/"].return: a location has either proxy_pass or return, not both',
    ],
    [
      "locations",
      { "/": { return: 444, proxy_pass: "a" } },
      'locations["/"].return: 444 is not supported: a connection can\'t be closed without an answer',
      'locations["/"].return: a location has either proxy_pass or return, not both',
      'locations["/"].proxy_pass: "a" has no scheme (write "http://a")',
    ],
    [
      "locations",
      { "/": { proxy_pass: null } },
      'locations["/"].proxy_pass: expected an address such as http://backend, got nothing',
    ],
    [
      "locations",
      { "api": "backend" },
      'locations.api: a path must start with "/" (did you mean "/api"?)',
      'locations.api: "backend" has no scheme (write "http://backend")',
    ],
    [
      "locations",
      { "~ x": "http://a:80/" },
      'locations["~ x"]: a location with a regular expression has no prefix that "/" could replace (write it without a path)',
    ],
  ];
  for (const [directive, value, ...lines] of cases) {
    if (directive === "servers") continue;
    assert.deepEqual(message(directive, value), lines);
  }
  refuses({ servers: {} }, "servers: expected a list of servers, got a map");
  refuses({ servers: [] }, "servers: the list is empty");
  refuses(
    { servers: [1] },
    "servers[0]: expected a map with listen, server_name and locations, got the number 1",
  );
  refuses(
    { servers: [{}] },
    'servers[0]: "locations" is missing: it says which paths go where',
  );
});

Deno.test("headers that are the proxy's own can't be set", () => {
  const websocket = "WebSockets are proxied without configuration";
  const names: [string, string][] = [
    ["Connection", websocket],
    ["upgrade", websocket],
    ["Sec-WebSocket-Protocol", websocket],
    ["TE", "it belongs to the connection, which the proxy makes itself"],
    [
      "Keep-Alive",
      "it belongs to the connection, which the proxy makes itself",
    ],
    [
      "Proxy-Connection",
      "it belongs to the connection, which the proxy makes itself",
    ],
    [
      "Content-Length",
      "the proxy sends a body with the framing that it came in",
    ],
    [
      "Transfer-Encoding",
      "the proxy sends a body with the framing that it came in",
    ],
    ["Trailer", "the proxy sends a body with the framing that it came in"],
    ["Expect", "the proxy answers it before it sends the body"],
  ];
  for (const [name, reason] of names) {
    refuses(
      around({ proxy_set_header: { [name]: "$host" } }),
      `${
        formatPath(["proxy_set_header", name])
      }: ${name} can't be set: ${reason}`,
    );
  }
});

Deno.test("an unknown directive is refused, with the one that was meant", () => {
  const cases: [string, string][] = [
    ["locatons", 'unknown directive (did you mean "locations"?)'],
    ["location", 'unknown directive (write "locations", a map of paths)'],
    [
      "server",
      'unknown directive (write "servers", a list, or put its directives at the top level)',
    ],
    ["upstream", 'unknown directive (write "upstreams", a map of names)'],
    [
      "proxy_http_version",
      "unknown directive (not needed: requests to upstreams use HTTP/1.1)",
    ],
    [
      "upgrade",
      "unknown directive (not needed: WebSockets are proxied without configuration)",
    ],
    [
      "ssl_protocols",
      "unknown directive (not supported: TLS 1.2 and 1.3 with safe ciphers only)",
    ],
    ["sendfile", "unknown directive (not needed)"],
    ["worker_processes", 'unknown directive (write "workers")'],
    ["keepalive", "not allowed here (it belongs in an upstream)"],
    ["proxy_pass", "not allowed here (it belongs in a location)"],
    ["/api", 'unknown directive (did you mean it as a key of "locations"?)'],
    [
      "X-Real-IP",
      'unknown directive (a header belongs in "proxy_set_header")',
    ],
    ["listen 9000;", 'unknown directive (did you mean listen: "9000"?)'],
    ["toString", "unknown directive"],
    ["zzz", "unknown directive"],
  ];
  for (const [key, message] of cases) {
    refuses(around({ [key]: 1 }), `${formatPath([key])}: ${message}`);
  }
  refuses(
    { locations: { "/": { proxy_pass: "http://a:80", listen: 1, "/x": {} } } },
    'locations["/"].listen: not allowed here (it belongs at the top or in a server)',
    'locations["/"]["/x"]: unknown directive (locations are not nested)',
  );
  // One problem, not "locations is missing" as well.
  refuses(
    { location: {} },
    'location: unknown directive (write "locations", a map of paths)',
  );
});

Deno.test("every unknown key is reported", () => {
  const keys = ["aaaa", "bbbb", "cccc"];
  refuses(
    around({
      ...Object.fromEntries(keys.map((key) => [key, 1])),
      upstreams: { u: { servers: ["a:80"], xxxx: 1, yyyy: 1 } },
    }),
    ...keys.map((key) => `${key}: unknown directive`),
    "upstreams.u.xxxx: unknown directive",
    "upstreams.u.yyyy: unknown directive",
  );
});

Deno.test("all problems come at once, in the order of the file", () => {
  refuses(
    `
log_format: xml
locations:
  /b: http://backnd
  /a:
    proxy_pass: http://backnd
    client_max_body_size: big
  "= /a": http://\${NOWHERE}
  =/a: http://a:80
upstreams:
  backend: backend
websocket_drain: 1h
listn: 9000
`,
    'log_format: expected "combined" or "json", got "xml"',
    'locations["/b"]: no upstream is called "backnd" (did you mean "backend"?)',
    'locations["/a"].proxy_pass: no upstream is called "backnd" (did you mean "backend"?)',
    'locations["/a"].client_max_body_size: expected a size such as 64k, 10m or 1g, got "big"',
    'locations["= /a"]: the environment variable NOWHERE is not set (write ${NOWHERE:-…} to give a default)',
    'locations["=/a"]: the same location as "= /a"',
    'upstreams.backend: "backend" has no port (write "backend:80")',
    "websocket_drain: must be less than shutdown_timeout (30s)",
    'listn: unknown directive (did you mean "listen"?)',
  );
});

Deno.test("what could be read is checked, whatever else is wrong", () => {
  refuses(
    `
listen: [9000, here, "*:9000"]
servers:
  - {listen: 9000, server_name: [a, 1], locations: {/: {proxy_pass: 'http://nope', retrun: 1}}}
  - {listen: [x, 9000], server_name: a, dev: on, locations: {"~ x": http://a:80/y, /z: 5}}
  - 7
websocket_drain: 1m
shutdown_timeout: 30
upstreams: {ok: a:80, bad: a, "b d": a:80}
`,
    'listen: with "servers", this belongs in each of them',
    'listen[1]: "here" has no port (write "here:9000")',
    "servers[0].server_name[1]: expected a host name, got the number 1 (put it in quotes)",
    'servers[0].locations["/"].proxy_pass: no upstream is called "nope" (if it is a host, write its port: http://nope:80)',
    'servers[0].locations["/"].retrun: unknown directive (did you mean "return"?)',
    'servers[1].listen[0]: "x" has no port (write "x:9000")',
    'servers[1].server_name: servers[0] has the name "a" on 9000 already',
    "servers[1].dev: not allowed here (it belongs at the top)",
    'servers[1].locations["~ x"]: a location with a regular expression has no prefix that "/y" could replace (write it without a path)',
    'servers[1].locations["/z"]: expected an address such as http://backend, or a map with proxy_pass, got the number 5 (write http://localhost:5)',
    "servers[2]: expected a map with listen, server_name and locations, got the number 7",
    "websocket_drain: must be less than shutdown_timeout (30s)",
    'upstreams.bad: "a" has no port (write "a:80")',
    'upstreams["b d"]: "b d" is not a valid name: only letters, digits, "_", "-" and "."',
  );
});

Deno.test("a location that is there twice is refused, however it is written", () => {
  const to = "http://a:80";
  refuses(
    {
      locations: {
        "/api": to,
        "^~ /api": to,
        "= /api": to,
        "=/api": to,
        "~ x": to,
        "~x": to,
        "~* x": to,
        "/api/": to,
      },
    },
    'locations["^~ /api"]: the same location as "/api"',
    'locations["=/api"]: the same location as "= /api"',
    'locations["~x"]: the same location as "~ x"',
  );
});

Deno.test("servers that hide each other are refused", () => {
  const locations = { "/": "http://a:80" };
  refuses(
    {
      servers: [
        { locations },
        { listen: "*:9000", locations },
        { listen: 9001, locations },
        { server_name: ["a", ".b", "A"], locations },
        { listen: [":9000", 9001], server_name: ["x", "*.b", "a"], locations },
        { listen: [9002, "9002"], locations },
      ],
    },
    "servers[1]: servers[0] has no name on *:9000 either: this one would never be reached",
    'servers[3].server_name[2]: servers[3] has the name "a" on 9000 already',
    'servers[4].server_name[1]: servers[3] has the name "*.b" on :9000 already',
    'servers[4].server_name[2]: servers[3] has the name "a" on :9000 already',
    "servers[5].listen[1]: the same address is listed twice",
  );
  refuses(
    around({ server_name: ["a", "a"] }),
    'server_name[1]: this server has the name "a" on 9000 already',
  );
});

Deno.test("a server's directives stand either at the top or in servers", () => {
  refuses(
    around({
      listen: 1,
      server_name: "a",
      servers: [{ locations: { "/": "http://a:80" } }],
    }),
    'locations: with "servers", this belongs in each of them',
    'listen: with "servers", this belongs in each of them',
    'server_name: with "servers", this belongs in each of them',
  );
});

Deno.test("the drain of WebSockets must end before the shutdown does", () => {
  const locations = "locations: {/: 'http://a:80'}\n";
  const drain = (text: string) => plan(locations + text).websocketDrain;
  assert.equal(drain(""), 5000);
  assert.equal(drain("shutdown_timeout: 4s"), 2000);
  assert.equal(drain("shutdown_timeout: 0"), 0);
  assert.equal(drain("shutdown_timeout: 0\nwebsocket_drain: 0"), 0);
  assert.equal(drain("websocket_drain: 29s"), 29_000);
  assert.deepEqual(
    problems(`${locations}shutdown_timeout: 3s\nwebsocket_drain: 3s`),
    [
      "config.yaml: websocket_drain: must be less than shutdown_timeout (3s)",
    ],
  );
});

Deno.test("a syntax error has its line and column, with the line shown", () => {
  const error = thrown(() => plan("listen: 9000\nupstreams:\n\ta: b:80\n"));
  const [problem] = error.problems;
  assert.equal(problem?.line, 3);
  assert.equal(problem?.column, 1);
  assert.equal(problem?.snippet, "  3 |  a: b:80\n    | ^");
  assert.match(error.message, /^config\.yaml:3:1: \S.*\n {2}3 \|/);

  const texts: [string, number][] = [
    ["listen: 1\nlisten: 2", 2],
    ["a: b: c", 1],
    ["a: [1, 2\nb: 3", 2],
    ['a: "x', 1],
    ["a: *nowhere", 1],
    ["--- 1\n--- 2", 0],
    ["a: !what x", 1],
    ["locations: {/: ${A}}", 1],
  ];
  for (const [text, line] of texts) {
    const { problems: [found] } = thrown(() => plan(text));
    assert.equal(found?.path, "");
    if (line > 0) assert.equal(found?.line, line, text);
  }
  assert.match(
    problems("locations: {/: ${A}}").join("\n"),
    /\(inside \{…\} and \[…\], put quotes around \$\{…\}\)/,
  );
});

Deno.test("the caret stands under the column, whatever the line", () => {
  const text = `x: 1\r\ny: \t[\x1b[31m${"z".repeat(300)}`;
  const at = (line: number, column: number) => {
    const { snippet } = syntaxProblem(
      Object.assign(new SyntaxError("wrong"), { line, column }),
      text,
      "f",
    );
    return snippet?.split("\n");
  };
  assert.deepEqual(at(1, 4), ["  1 | x: 1", "    |    ^"]);
  assert.deepEqual(at(2, 5)?.[1], "    |     ^");
  assert.match(at(2, 5)?.[0] ?? "", /^ {2}2 \| y: {2}\[·\[31mz+$/);
  for (const line of at(2, 200) ?? [""]) assert(line.length < 140);
});

Deno.test("positions come from the error's fields, its message, or not at all", () => {
  const text = "a\nbcd\n";
  const place = (error: unknown) => {
    const { line, column, message } = syntaxProblem(error, text, "f");
    return [line, column, message];
  };
  const old = new SyntaxError(
    "bad thing at line 2, column 3:\n    bcd\n      ^",
  );
  assert.deepEqual(place(old), [2, 3, "bad thing"]);
  const fields = Object.assign(new SyntaxError("bad"), { line: 2, column: 1 });
  assert.deepEqual(place(fields), [2, 1, "bad"]);
  const none = new SyntaxError("bad");
  assert.deepEqual(place(none), [undefined, undefined, "bad"]);
  const outside = Object.assign(new SyntaxError("bad"), { line: 9, column: 1 });
  assert.deepEqual(place(outside), [undefined, undefined, "bad"]);
  assert.deepEqual(place("text")[2], "text");
});

Deno.test("nesting that no parser survives is a problem like others", () => {
  const error = thrown(() => plan("[".repeat(200_000)));
  assert(error instanceof ConfigError);
  assert.equal(error.problems.length, 1);
});

Deno.test("--listen is checked like the config's own", () => {
  const text = "listen: 80\nlocations: {/: 'http://backnd'}";
  assert.deepEqual(problems(text, {}, { listen: "nowhere" }), [
    '--listen: "nowhere" has no port (write "nowhere:9000")',
    'config.yaml: locations["/"]: no upstream is called "backnd" (if it is a host, write its port: http://backnd:80)',
  ]);
});

Deno.test("a problem is one line, whatever is in it", () => {
  const error = thrown(() =>
    loadPlan('locations: {"/a\\nb": "x\\ny", "/c": "${X:?a\\nb\\e[1m}"}', {
      source: "a\nb.yaml",
      env: () => undefined,
    })
  );
  assert.equal(error.message.split("\n").length, error.problems.length);
  assert.doesNotMatch(error.message.replaceAll("\n", ""), /\p{Cc}/u);
  assert.equal(String(error), error.message);
});

Deno.test("a path is written as in JavaScript", () => {
  assert.equal(formatPath([]), "");
  assert.equal(
    formatPath(["servers", 0, "locations", '/a"b', "proxy_pass"]),
    'servers[0].locations["/a\\"b"].proxy_pass',
  );
  assert.equal(formatPath(["X-A"]), '["X-A"]');
});

Deno.test("a port that fetch blocks is refused where requests go by fetch, and nowhere else", () => {
  const blocked =
    "port 6000 can't be used with https:// or client: fetch: it is on the " +
    "list of blocked ports of the fetch standard";
  refuses(
    `
upstreams:
  plain: backend:6000
  fetched: {servers: ["ok:80", "backend:6000"], client: fetch}
locations:
  /plain: http://plain
  /inline: http://backend:6000
  /tls: https://plain
  /fetched: http://fetched
  /inline-tls: https://backend:6000
`,
    `locations["/tls"]: ${blocked}`,
    `locations["/fetched"]: ${blocked}`,
    `locations["/inline-tls"]: ${blocked}`,
  );
});

Deno.test("a real_ip_header is the name of a header", () => {
  refuses(
    around({ real_ip_header: "X_Real" }),
    'real_ip_header: expected a header such as X-Forwarded-For, got "X_Real"',
  );
  refuses(
    around({ real_ip_header: "proxy_protocol" }),
    "real_ip_header: the PROXY protocol is not supported",
  );
});
