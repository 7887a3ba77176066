/**
 * What a config may say of who may come in, and how it is told what it may not.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { planFromObject } from "../../lib/config/load.ts";
import { ConfigError } from "../../lib/config/config_error.ts";
import { locate, plan, problems } from "./config.ts";

const TO = "http://localhost:1234";

const USERS = fileURLToPath(new URL("./users.htpasswd", import.meta.url));

/** The problems of a location with these directives, without where they are. */
function refused(
  location: Record<string, unknown>,
  top: Record<string, unknown> = {},
): string[] {
  const document = {
    ...top,
    locations: {
      "/": { proxy_pass: TO, ...location },
      "= /auth": { proxy_pass: TO, internal: true },
    },
  };
  return problems(document)
    .map((line) => line.replace(/^config\.yaml: (locations\["\/"\]\.)?/, ""));
}

Deno.test("the checks of a location are in nginx's order, whatever the config's", () => {
  const read = plan(`
auth_basic: x
auth_basic_user_file: ${USERS}
limit_conn: 5
limit_req_zone: {all: {rate: 5r/m, key: all}}
locations:
  /:
    proxy_pass: ${TO}
    auth_request: /auth
    access: [{deny: all}]
    limit_req: [{zone: all}, 3r/s]
  /any: {proxy_pass: "${TO}", auth_request: /auth, satisfy: any}
  /one: {proxy_pass: "${TO}", satisfy: any}
  /none: {proxy_pass: "${TO}", auth_basic: off}
  = /auth: {proxy_pass: "${TO}", internal: on}
`);
  const kinds = (path: string) =>
    locate(read, path).access.map((check) =>
      check.kind === "satisfy_any"
        ? check.checks.map(({ kind }) => kind)
        : check.kind
    );
  assert.deepEqual(kinds("/"), [
    ...["limit_req", "limit_conn", "access", "auth_basic", "auth_request"],
  ]);
  assert.deepEqual(kinds("/any"), [
    "limit_conn",
    ["auth_basic", "auth_request"],
  ]);
  assert.deepEqual(kinds("/one"), ["limit_conn", "auth_basic"]);
  assert.deepEqual(kinds("/none"), ["limit_conn"]);
  assert.equal(locate(read, "/auth").internal, true);
});

Deno.test("a file of users is found beside the config", () => {
  const asked: string[] = [];
  const load = (file: string, read: (path: string) => Uint8Array) =>
    planFromObject({
      locations: {
        "/": {
          proxy_pass: TO,
          auth_basic: "x",
          auth_basic_user_file: file,
        },
      },
    }, {
      source: "/etc/proxy/config.yaml",
      env: () => undefined,
      readFile(path) {
        asked.push(path);
        return read(path);
      },
    });
  const users = () => new TextEncoder().encode("joe:{PLAIN}x\n");
  const read = load("users/a", users);
  const [check] = locate(read, "/").access;
  assert(check?.kind === "auth_basic");
  assert.equal(check.file, "/etc/proxy/users/a");
  load("/srv/b", users);
  assert.deepEqual(asked, ["/etc/proxy/users/a", "/srv/b"]);
  const message = (read: () => Uint8Array) => {
    try {
      load("a", read);
    } catch (error) {
      if (error instanceof ConfigError) {
        return error.message
          .replaceAll('/etc/proxy/config.yaml: locations["/"].', "");
      }
      throw error;
    }
  };
  const throws = (error: Error) => () => {
    throw error;
  };
  const { NotFound, PermissionDenied, IsADirectory } = Deno.errors;
  assert.equal(
    message(throws(new NotFound())),
    "auth_basic_user_file: there is no file /etc/proxy/a (make it with: " +
      "htpasswd -B -c a USER)",
  );
  assert.equal(
    message(throws(new PermissionDenied())),
    "auth_basic_user_file: no permission to read /etc/proxy/a: check its " +
      "owner and its mode",
  );
  assert.equal(
    message(throws(new IsADirectory())),
    "auth_basic_user_file: /etc/proxy/a is a directory",
  );
  assert.equal(
    message(() => new TextEncoder().encode("a\nb\nc\nd\ne:x\n")),
    [
      "line 1 is not of the form user:password",
      "line 2 is not of the form user:password",
      "line 3 is not of the form user:password",
      "2 more problems",
    ].map((line) => `auth_basic_user_file: /etc/proxy/a: ${line}`).join("\n"),
  );
  assert.match(
    message(() => new Uint8Array(17 * 1024 * 1024)) ?? "",
    /is too large/,
  );
});

Deno.test("what can't be meant is refused with what to write", () => {
  const cases: [Record<string, unknown>, ...string[]][] = [
    [
      { access: [{ allow: "10.0.0.0/8", deny: "all" }] },
      "access[0]: a rule is either allow or deny: write two, in the order in which they are tried",
    ],
    [
      { access: ["deny all"] },
      'access[0]: expected a rule such as {allow: 10.0.0.0/8} or {deny: all}, got "deny all"',
    ],
    [
      { access: [{ deny: "10.0.0.0/33" }] },
      'access[0].deny: expected an address such as 192.0.2.1, a network such as 10.0.0.0/8, "unix", or "all", got "10.0.0.0/33"',
    ],
    [
      { allow: "all" },
      'allow: unknown directive (write "access", a list: [{allow: 10.0.0.0/8}, {deny: all}])',
    ],
    [
      { auth_basic: "x" },
      "auth_basic: auth_basic_user_file is missing: it says which file has the users and their passwords",
    ],
    [
      { auth_request: "https://auth/" },
      'auth_request: expected a path of this server such as /auth, or "off", got "https://auth/" (make a location for it, such as "= /auth": {proxy_pass: "https://auth/", internal: true})',
    ],
    [
      { auth_request: "/check" },
      'auth_request: "/check" would be answered by what is to be protected: / (add a location for it, such as "= /check": {proxy_pass: …, internal: true})',
    ],
    [
      { auth_request: "/auth", auth_request_set: { user: "x" } },
      'auth_request_set.user: "user" is not a variable\'s name (write "$user")',
    ],
    [
      { auth_request_set: { $Host: "x" } },
      'auth_request_set["$Host"]: $Host is a variable already: choose another name',
    ],
    [
      { auth_request_set: { $a: "x", $A: "y" } },
      'auth_request_set["$A"]: the same variable as "$a"',
    ],
    [
      {
        auth_request: "/auth",
        auth_request_set: { $user: "$upstream_http_x" },
        proxy_set_header: { "X-User": "$usr" },
      },
      'proxy_set_header["X-User"]: unknown variable "$usr" (did you mean "$user"?)',
    ],
    [
      { limit_req: "zone=login burst=5 nodelay;" },
      'limit_req: expected a rate such as 10r/s or 30r/m, or "off", got "zone=login burst=5 nodelay;" (no semicolon at the end here) (write {zone: login, burst: 5, nodelay: true})',
    ],
    [
      { limit_req: { zone: "logn" } },
      'limit_req.zone: no limit_req_zone is called "logn" (did you mean "login"?)',
    ],
    [
      { limit_req: [{ zone: "login" }, { zone: "login", burst: 1 }] },
      'limit_req[1].zone: the zone "login" is used twice here',
    ],
    [
      { limit_req: { zone: "login", key: "$host" } },
      "limit_req: key and size belong to the limit_req_zone",
    ],
    [
      { limit_req: { rate: "1r/s", size: "1k" } },
      "limit_req.size: the size must be at least 32k",
    ],
    [
      { websocket_origins: ["any", "self"] },
      'websocket_origins: "any" excludes other origins',
    ],
    [
      { websocket_origins: "*" },
      'websocket_origins: write "any" for every origin',
    ],
    [
      { websocket_origins: "https://a.example/" },
      'websocket_origins: expected "self", "any", or an origin such as https://example.com, got "https://a.example/" (without a path: "https://a.example")',
    ],
  ];
  for (const [location, ...lines] of cases) {
    assert.deepEqual(
      refused(location, { limit_req_zone: { login: "5r/m" } }),
      lines,
    );
  }
});

Deno.test("what several locations inherit is told once", () => {
  assert.deepEqual(
    problems({
      auth_basic: "x",
      auth_request: "/none",
      locations: { "/a": TO, "/b": TO, "/c": { return: 404 } },
    }),
    [
      "config.yaml: auth_basic: auth_basic_user_file is missing: it says which file has the users and their passwords",
      'config.yaml: auth_request: no location of this server takes "/none" (add one, such as "= /none": {proxy_pass: …, internal: true})',
    ],
  );
  // Each server has locations of its own.
  assert.deepEqual(
    problems({
      auth_request: "/auth",
      servers: [
        { server_name: "a", locations: { "/": TO, "= /auth": TO } },
        { server_name: "b", locations: { "/": TO, "/auth/": TO } },
      ],
    }),
    [
      'config.yaml: auth_request: "/auth" would only be redirected (write "/auth/")',
    ],
  );
});
