import { autoWorkers } from "../../lib/config/directives/process.ts";
import assert from "node:assert/strict";
import { planFromObject } from "../../lib/config/load.ts";
import { isIn } from "../../lib/route/network.ts";
import { findServer } from "../../lib/route/server.ts";
import { locate, plan, proxyOf, rendered } from "./config.ts";

Deno.test("the shipped config is the plan it describes", () => {
  const text = Deno.readTextFileSync(
    new URL("../../config.yaml", import.meta.url),
  );
  const shipped = plan(text);
  const [listener] = shipped.listeners;
  assert.equal(shipped.listeners.length, 1);
  assert.deepEqual(listener?.address, {
    transport: "tcp",
    hostname: "0.0.0.0",
    port: 9000,
  });
  assert.deepEqual(
    shipped.upstreams.map(({ name, scheme, servers }) => [
      name,
      scheme,
      servers.map(({ address }) => address.name),
    ]),
    [
      ["backend", "http", ["backend:8000"]],
      ["centrifugo", "http", ["centrifugo:8000"]],
      ["frontend", "http", ["frontend:5173"]],
    ],
  );
  const api = locate(shipped, "/api/rooms/");
  assert.equal(api.key, "/api");
  assert.deepEqual(rendered(api), {
    "host": "example.com",
    "x-real-ip": "192.0.2.1",
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-host": "www.example.com",
    "x-forwarded-proto": "http",
  });
  assert.deepEqual(rendered(locate(shipped, "/static/x")), {
    host: "example.com",
  });
  assert.equal(
    proxyOf(locate(shipped, "/connection/websocket")).upstream.name,
    "centrifugo",
  );
  assert.equal(proxyOf(locate(shipped, "/")).upstream.name, "frontend");
  assert(listener !== undefined);
  assert.equal(findServer(listener.servers, "localhost").name, "localhost");

  const own = plan(text, { BACKEND: "localhost:8001" });
  assert.deepEqual(own.upstreams[0]?.servers.map((s) => s.address), [{
    transport: "tcp",
    hostname: "localhost",
    port: 8001,
    name: "localhost:8001",
  }]);
});

Deno.test("a config of one location has the defaults", () => {
  const read = plan("locations: {/: 'http://localhost:8000'}");
  const location = locate(read, "/");
  const { upstream, setHeaders: _, setHeaderNames, ...content } = proxyOf(
    location,
  );
  assert.deepEqual({ ...location, content }, {
    key: "/",
    prefix: "/",
    internal: false,
    rewrite: null,
    captures: null,
    access: [],
    content: {
      kind: "proxy",
      passUri: null,
      proxyPass: "http://localhost:8000",
      responseRules: null,
    },
    errorPages: null,
    filters: [],
    settings: {
      root: null,
      index: { names: ["index.html"], path: null },
      gzip_static: false,
      brotli_static: false,
      autoindex: false,
      disable_symlinks: "outside",
      hidden_files: false,
      max_ranges: 100,
      expires: null,
      etag: true,
      if_modified_since: "exact",
      types: new Map(),
      default_type: "text/plain",
      charset: "utf-8",
      proxy_redirect: { kind: "default" },
      proxy_connect_timeout: 5_000,
      proxy_send_timeout: 60_000,
      proxy_read_timeout: { head: 60_000, body: 0 },
      proxy_next_upstream: {
        error: true,
        timeout: true,
        invalidHeader: false,
        nonIdempotent: false,
        statuses: [],
      },
      proxy_next_upstream_tries: 0,
      proxy_next_upstream_timeout: 0,
      wait_for_upstream: 0,
      proxy_hide_header: [],
      proxy_pass_header: [],
      proxy_ignore_headers: [],
      proxy_cookie_domain: [],
      proxy_cookie_path: [],
      proxy_cookie_flags: [],
      proxy_ssl_verify: true,
      proxy_ssl_trusted_certificate: null,
      proxy_ssl_name: null,
      proxy_ssl_server_name: true,
      proxy_ssl_certificate: null,
      proxy_ssl_certificate_key: null,
      error_page: new Map(),
      proxy_intercept_errors: false,
      add_header: [],
      gzip: false,
      gzip_types: { all: false, names: new Set(["text/html"]) },
      gzip_min_length: 20,
      gzip_comp_level: 1,
      gzip_vary: true,
      gzip_proxied: new Set(["off"]),
      brotli: false,
      brotli_types: { all: false, names: new Set(["text/html"]) },
      brotli_min_length: 20,
      brotli_comp_level: 4,
      client_max_body_size: 1_048_576,
      client_body_timeout: 60_000,
      request_timeout: 0,
      websocket_ping: 30_000,
      websocket_buffer_size: 16_777_216,
      websocket_max_message_size: 67_108_864,
      websocket_message_rate: { messages: 0, per: 1_000 },
      websocket_origins: { any: false, self: true, opaque: false, origins: [] },
      limit_req: [],
      limit_req_status: 429,
      limit_req_dry_run: false,
      access: [],
      satisfy: "all",
      auth_basic: null,
      auth_basic_user_file: null,
      auth_request: null,
      auth_request_set: [],
      access_log: true,
    },
  });
  assert.deepEqual(
    [...setHeaderNames],
    [
      "host",
      "x-real-ip",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
    ],
  );
  const headers = new Headers({ host: "Example.com:9000" });
  assert.deepEqual(
    rendered(location, { headers }),
    {
      "host": "Example.com:9000",
      "x-real-ip": "192.0.2.1",
      "x-forwarded-for": "192.0.2.1",
      "x-forwarded-host": "Example.com:9000",
      "x-forwarded-proto": "http",
    },
  );
  assert.deepEqual(read.upstreams, [upstream]);
  assert.equal(upstream.keepalive, 128);
  const { source, listeners, logFormat, dev, shutdownTimeout, websocketDrain } =
    read;
  assert.deepEqual(
    [
      source,
      listeners.map((l) => l.written),
      logFormat,
      dev,
      shutdownTimeout,
      websocketDrain,
    ],
    ["config.yaml", ["9000"], "combined", false, 30_000, 5000],
  );
});

Deno.test("a location inherits from its server, and that from the top", () => {
  const read = plan(`
client_max_body_size: 1k
proxy_read_timeout: 1s
websocket_ping: 1s
websocket_buffer_size: 1k
access_log: off
proxy_redirect: off
servers:
  - proxy_read_timeout: 2s
    websocket_ping: 2s
    websocket_buffer_size: 2k
    access_log: on
    locations:
      /:
        proxy_pass: http://a:80
        websocket_ping: off
        websocket_buffer_size: 3k
        proxy_redirect: default
  - server_name: b
    locations: {/: 'http://a:80'}
`);
  const facts = (host: string) => {
    const { settings } = locate(read, "/", host);
    return [
      settings.client_max_body_size,
      settings.proxy_read_timeout.head,
      settings.websocket_ping,
      settings.websocket_buffer_size,
      settings.access_log,
      settings.proxy_redirect.kind,
    ];
  };
  assert.deepEqual(facts("a"), [1024, 2000, 0, 3072, true, "default"]);
  assert.deepEqual(facts("b"), [1024, 1000, 1000, 1024, false, "off"]);
});

Deno.test("proxy_set_header is inherited only by a level that sets none", () => {
  const read = plan(`
proxy_set_header: {X-Top: t, Host: $host}
servers:
  - locations:
      /: http://a:80
      /own: {proxy_pass: 'http://a:80', proxy_set_header: {X-Own: o, X-Empty: ""}}
      /none: {proxy_pass: 'http://a:80', proxy_set_header: {}}
  - server_name: b
    proxy_set_header: {X-Server: s}
    locations: {/: 'http://a:80'}
`);
  const headers = (path: string, host = "a") =>
    rendered(locate(read, path, host));
  assert.deepEqual(headers("/"), { "x-top": "t", "host": "example.com" });
  assert.deepEqual(headers("/none"), { "x-top": "t", "host": "example.com" });
  assert.deepEqual(headers("/own"), { "x-own": "o", "x-empty": "" });
  assert.deepEqual(headers("/", "b"), { "x-server": "s" });
  assert.deepEqual([...proxyOf(locate(read, "/own")).setHeaderNames], [
    "x-own",
    "x-empty",
  ]);
});

Deno.test("an upstream is one plan for each scheme it is used with", () => {
  const read = plan(`
upstreams:
  Backend: {servers: ['a:8000', {address: 'unix:/run/b.sock'}], keepalive: 3}
  unused: x:1024
locations:
  /1: http://backend
  /2: http://BACKEND/
  /3: https://backend
  /4: http://backend:8000
  /5: http://127.0.0.1
  /6: http://127.0.0.1:80/x
  /7: http://unix:/run/b.sock:/
`);
  const { upstreams } = read;
  assert.deepEqual(
    upstreams.map((
      u,
    ) => [u.scheme, u.name, u.keepalive, u.servers.map((s) => s.address.name)]),
    [
      ["http", "backend", 3, ["a:8000", "unix:/run/b.sock"]],
      ["https", "backend", 3, ["a:8000", "unix:/run/b.sock"]],
      ["http", "backend:8000", 128, ["backend:8000"]],
      ["http", "127.0.0.1", 128, ["127.0.0.1:80"]],
      ["http", "localhost", 128, ["unix:/run/b.sock"]],
    ],
  );
  const of = (path: string) => proxyOf(locate(read, path));
  assert.equal(of("/1").upstream, of("/2").upstream);
  assert.equal(of("/5").upstream, of("/6").upstream);
  assert.deepEqual(
    ["/1", "/2", "/6", "/7"].map((path) => of(path).passUri),
    [null, "/", "/x", "/"],
  );
});

Deno.test("each address is one listener with its servers in the file's order", () => {
  const read = plan(`
servers:
  - listen: [9000, "127.0.0.1:9001"]
    server_name: [.a, b]
    locations: {/: 'http://first:80'}
  - listen: "*:9000"
    server_name: c
    locations: {/: 'http://second:80'}
  - listen: unix:/run/x.sock
    locations: {/: 'http://third:80'}
`);
  assert.deepEqual(
    read.listeners.map((listener) => [listener.written, listener.address]),
    [
      ["9000", { transport: "tcp", hostname: "0.0.0.0", port: 9000 }],
      ["127.0.0.1:9001", {
        transport: "tcp",
        hostname: "127.0.0.1",
        port: 9001,
      }],
      ["unix:/run/x.sock", { transport: "unix", path: "/run/x.sock" }],
    ],
  );
  const taken = (host: string, listener: number) =>
    proxyOf(locate(read, "/", host, listener)).upstream.servers[0]?.address
      .name;
  assert.deepEqual(
    [
      taken("x.a", 0),
      taken("c", 0),
      taken("other", 0),
      taken("c", 1),
      taken("c", 2),
    ],
    ["first:80", "second:80", "first:80", "first:80", "third:80"],
  );
  const [listener] = read.listeners;
  assert(listener !== undefined);
  // nginx's $server_name has no leading dot.
  assert.equal(findServer(listener.servers, "b").name, "a");
});

Deno.test("limits are the location's access, those of the whole proxy first", () => {
  const read = plan(`
limit_conn: {total: 100, per_address: 5}
locations:
  /: http://a:80
  /own:
    proxy_pass: http://a:80
    limit_conn: 7
    websocket_limit_conn: {per_address: 2}
`);
  const ofProxy = { scope: "proxy", total: 100, perAddress: 5 };
  assert.deepEqual(locate(read, "/").access, [
    { kind: "limit_conn", requests: [ofProxy], webSockets: [] },
  ]);
  assert.deepEqual(locate(read, "/own").access, [{
    kind: "limit_conn",
    requests: [ofProxy, { scope: "location", total: 7, perAddress: 0 }],
    webSockets: [{ scope: "location", total: 0, perAddress: 2 }],
  }]);
  const sockets = plan(
    "websocket_limit_conn: 3\nlocations: {/: 'http://a:80'}",
  );
  assert.deepEqual(locate(sockets, "/").access, [{
    kind: "limit_conn",
    requests: [],
    webSockets: [{ scope: "proxy", total: 3, perAddress: 0 }],
  }]);
});

Deno.test("a server with nothing else said has the defaults", () => {
  const defaults = {
    weight: 1,
    maxFails: 1,
    failTimeout: 10_000,
    maxConns: 0,
    slowStart: 0,
    backup: false,
    down: false,
  };
  const options = {
    keepalive: 128,
    keepaliveTimeout: 4_000,
    keepaliveRequests: 1_000,
    keepaliveTime: 3_600_000,
    client: "http1",
    balance: { kind: "round_robin" },
    sticky: null,
    resolve: 10_000,
    healthCheck: null,
  };
  const read = plan(`
upstreams:
  short: h:1000
  list: [h:1000, {address: h:1001}]
  map: {servers: [h:1000], health_check: /up}
locations: {/1: 'http://short', /2: 'http://list', /3: 'http://map', /4: 'http://h:1000'}
`);
  const servers = read.upstreams.map(({ servers }) =>
    servers.map(({ address, ...parameters }) => {
      assert.deepEqual(parameters, defaults);
      return address.name;
    })
  );
  assert.deepEqual(servers, [
    ["h:1000"],
    ["h:1000", "h:1001"],
    ["h:1000"],
    ["h:1000"],
  ]);
  for (const { name, scheme, servers, ...group } of read.upstreams) {
    assert.equal(scheme, "http");
    assert(servers.length > 0);
    assert.deepEqual(group, {
      ...options,
      tls: null,
      healthCheck: name !== "map" ? null : {
        path: "/up",
        interval: 5_000,
        timeout: 2_000,
        fails: 1,
        passes: 1,
        status: [[200, 399]],
      },
    });
  }
});

Deno.test("trusted proxies are read once, into what requests ask", () => {
  const { listeners } = plan(
    "trusted_proxies: [10.0.0.0/8, unix]\nlocations: {/: 'http://a:80'}",
  );
  const trusted = listeners[0]!.common.trustedProxies;
  assert(isIn(trusted, "10.1.2.3"));
  assert(isIn(trusted, "unix:"));
  assert(!isIn(trusted, "11.1.2.3"));
});

Deno.test("keys become what routing matches by", () => {
  const read = plan(`
locations:
  /: http://a:80
  = /exact: http://b:80
  ^~ /static: http://c:80
  ~* \\.JPG$: http://d:80
  /admin/: http://e:80
  /é/: http://f:80/
`);
  const name = (path: string) => proxyOf(locate(read, path)).upstream.name;
  assert.deepEqual(
    ["/x", "/exact", "/static/x.jpg", "/x.jpg", "/admin", "/Ã©/"].map(name),
    ["a", "b", "c", "d", "e", "f"],
  );
  assert.equal(locate(read, "/x.jpg").prefix, "");
  assert.equal(locate(read, "/x.jpg").key, "~* \\.JPG$");
  assert.equal(locate(read, "/Ã©/").prefix, "/Ã©/");
});

Deno.test("explicit redirects keep their order and may have variables", () => {
  const read = plan(`
locations:
  /:
    proxy_pass: http://a:80
    proxy_redirect:
      http://a:8000/: /
      http://é$$/: $scheme://$host/é
`);
  const { proxy_redirect: rule } = locate(read, "/").settings;
  assert(rule.kind === "pairs");
  assert.deepEqual(rule.pairs.map(({ from }) => from), [
    "http://a:8000/",
    "http://Ã©$/",
  ]);
});

Deno.test("workers are one, so many, or one for each processor", () => {
  const workers = (line: string) =>
    plan(`${line}\nlocations: {/: 'http://a:80'}`).workers;
  assert.equal(workers(""), 1);
  assert.equal(workers("workers: 1"), 1);
  assert.equal(workers("workers: 16"), 16);
  assert.equal(workers('workers: "2"'), 2);
  assert.equal(
    workers("workers: auto"),
    Math.min(navigator.hardwareConcurrency, 8),
  );
  const auto = [0, 1, 2, 8, 9, 128].map(autoWorkers);
  assert.deepEqual(auto, [1, 1, 2, 8, 8, 8]);
});

Deno.test("the command line says over the config", () => {
  const text = `
listen: 80
log_format: json
dev: off
locations: {/: 'http://a:80'}`;
  const read = plan(text, {}, {
    listen: "[::1]:0",
    logFormat: "off",
    dev: true,
  });
  assert.deepEqual(read.listeners.map((l) => l.address), [
    { transport: "tcp", hostname: "::1", port: 0 },
  ]);
  assert.equal(read.logFormat, "off");
  assert.equal(read.dev, true);
  assert.equal(plan(text).logFormat, "json");

  const several = plan(
    `
servers:
  - {listen: 80, server_name: a, locations: {/: 'http://a:80'}}
  - {listen: [81, 82], server_name: b, locations: {/: 'http://b:80'}}`,
    {},
    { listen: "8080" },
  );
  assert.equal(several.listeners.length, 1);
  assert.equal(proxyOf(locate(several, "/", "b")).upstream.name, "b");
});

Deno.test("a config that is made up is read like one from a file", () => {
  const made = planFromObject(
    {
      listen: undefined,
      locations: {
        "/": "http://localhost:5173",
        "/api": "http://localhost:8000",
      },
    },
    { source: "--to", env: () => undefined },
  );
  assert.equal(made.source, "--to");
  assert.equal(proxyOf(locate(made, "/api")).upstream.name, "localhost:8000");
});

Deno.test("aliases and merges of YAML work", () => {
  const read = plan(`
servers:
  - server_name: a
    locations: &all
      /: &to {proxy_pass: 'http://a:80', client_max_body_size: 1k}
  - server_name: b
    locations:
      <<: *all
      /big: {<<: *to, client_max_body_size: 1g}
`);
  assert.equal(locate(read, "/", "b").settings.client_max_body_size, 1024);
  assert.equal(
    locate(read, "/big", "b").settings.client_max_body_size,
    2 ** 30,
  );
});

Deno.test("a config with 1,000 locations loads", () => {
  const lines = Array.from(
    { length: 1000 },
    (_, i) => `  /path/${i}: http://backend${i % 50}/x/${i}`,
  );
  const upstreams = Array.from(
    { length: 50 },
    (_, i) => `  backend${i}: [a${i}:8000, b${i}:8000]`,
  );
  const started = performance.now();
  const read = plan(
    ["upstreams:", ...upstreams, "locations:", ...lines].join("\n"),
  );
  const took = performance.now() - started;
  assert.equal(read.upstreams.length, 50);
  const location = proxyOf(locate(read, "/path/777/y"));
  assert.equal(location.passUri, "/x/777");
  // What all inherit is there once.
  assert.equal(
    location.setHeaders,
    proxyOf(locate(read, "/path/1")).setHeaders,
  );
  assert(took < 2000, `${took} ms`);
});
