/**
 * What `explain` says of the access phase, and that it is what happens.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { explanationOf } from "../../lib/cli/explain.ts";
import { askedRequest } from "../../lib/cli/request_line.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { backend } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { command } from "../support/terminal.ts";

const USERS = "/users";

function explained(
  config: Record<string, unknown>,
  target: string,
  headers: string[] = [],
  from?: string,
) {
  const plan = planFromObject(config, {
    source: "config.yaml",
    env: () => undefined,
    readFile: () => new TextEncoder().encode("joe:{PLAIN}x\n"),
  });
  const asked = askedRequest(plan, "GET", target, headers, from);
  const { access, answer } = explanationOf(asked);
  return {
    access: access.map(({ check, verdict }) => `${check} ${verdict}`),
    answer: answer && `${answer.phase} ${answer.status}`,
  };
}

const TO = "http://back:8000";

Deno.test("each check says what it would do, or what would be asked", () => {
  const config = {
    upstreams: { auth: "auth:8000" },
    limit_req_zone: { login: "5r/m" },
    access: [{ deny: "10.6.6.6" }],
    locations: {
      "/": TO,
      "/admin": {
        proxy_pass: TO,
        access: [{ allow: "10.0.0.0/8" }, { deny: "all" }],
      },
      "/all": {
        proxy_pass: TO,
        limit_req: [
          { zone: "login", burst: 5, delay: 2 },
          { rate: "10r/s", key: "$http_x_key" },
        ],
        limit_conn: 5,
        auth_basic: "x",
        auth_basic_user_file: USERS,
        auth_request: "/auth",
      },
      "= /auth": { proxy_pass: "http://auth", internal: true },
    },
  };
  assert.deepEqual(explained(config, "/admin", [], "192.0.2.1"), {
    access: ['access denied by "deny all" in locations["/admin"]'],
    answer: "access 403",
  });
  assert.deepEqual(explained(config, "/admin", [], "10.1.1.1"), {
    access: ['access allowed by "allow 10.0.0.0/8" in locations["/admin"]'],
    answer: null,
  });
  assert.deepEqual(explained(config, "/", [], "10.6.6.6"), {
    access: ['access denied by "deny 10.6.6.6" at the top'],
    answer: "access 403",
  });
  assert.deepEqual(explained(config, "/", [], "unix"), {
    access: ["access passes: no rule is for unix:"],
    answer: null,
  });
  const joe = `Authorization: Basic ${btoa("joe:x")}`;
  assert.deepEqual(explained(config, "/all", [joe]), {
    access: [
      'limit_req passes up to 5r/m, and 5 that come too early, delayed past 2, of $remote_addr "127.0.0.1" ("login")',
      "limit_req passes: $http_x_key is empty",
      "limit_conn passes while there is a place",
      "access passes: no rule is for 127.0.0.1",
      'auth_basic passes with the password of "joe" in /users',
      "auth_request asks GET /auth (= /auth, http://auth): 2xx passes",
    ],
    answer: null,
  });
  const { access, answer } = explained(config, "/all");
  assert.equal(access.at(-1), "auth_basic refused: no user is named");
  assert.equal(answer, "access 401");
  assert.equal(explained(config, "/auth").answer, "route 404");
});

Deno.test("satisfy any says which one is enough", () => {
  const config = {
    locations: {
      "/": {
        proxy_pass: TO,
        satisfy: "any",
        access: [{ allow: "10.0.0.0/8" }, { deny: "all" }],
        auth_basic: "x",
        auth_basic_user_file: USERS,
      },
    },
  };
  assert.deepEqual(explained(config, "/", [], "10.0.0.1"), {
    access: [
      'access allowed by "allow 10.0.0.0/8" in locations["/"]; satisfy any',
    ],
    answer: null,
  });
  assert.deepEqual(explained(config, "/", []), {
    access: [
      'access denied by "deny all" in locations["/"]; satisfy any',
      "auth_basic refused: no user is named; satisfy any",
    ],
    answer: "access 401",
  });
  const joe = `Authorization: Basic ${btoa("joe:x")}`;
  assert.equal(explained(config, "/", [joe]).answer, null);
});

Deno.test("a foreign page's handshake is explained by its answer", () => {
  const config = { locations: { "/": TO } };
  const origin = (origin: string) =>
    explained(config, "ws://site.example/", [`Origin: ${origin}`]);
  assert.deepEqual(origin("http://site.example"), {
    access: ["websocket_origins passes: a page of http://site.example"],
    answer: null,
  });
  assert.equal(origin("http://evil.example").answer, "access 403");
  assert.deepEqual(explained(config, "ws://site.example/").access, [
    "websocket_origins passes: no page asks",
  ]);
});

Deno.test("the client's address is --from's", async () => {
  const run = (address: string) =>
    command("explain", "GET", "/", "--from", address, "--to", "/=a:1");
  const { output } = await run("192.0.2.1");
  assert.match(output, /^x-real-ip: 192\.0\.2\.1$/m);
  const { code, notes } = await run("somewhere");
  assert.equal(code, 2);
  assert.match(notes, /--from "somewhere" is not an address/);
});

const ADDRESS = fc.constantFrom("10.0.0.1", "10.0.1.1", "192.0.2.1", "fd00::1");
const RULE = fc.tuple(
  fc.constantFrom("allow", "deny"),
  fc.constantFrom("10.0.0.0/24", "10.0.0.0/8", "fd00::/8", "all", "192.0.2.1"),
).map(([kind, network]) => ({ [kind]: network }));

Deno.test("any request is let in, or not, just as explain says", async () => {
  await using server = backend("a");
  const to = `http://${server.address}`;
  const seen = { passed: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(RULE, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("all", "any"),
      fc.constantFrom("off", "/yes", "/no"),
      ADDRESS,
      async (access, satisfy, auth_request, address) => {
        const config = {
          listen: "127.0.0.1:0",
          trusted_proxies: "127.0.0.1",
          locations: {
            "/": { proxy_pass: to, access, satisfy, auth_request },
            "= /yes": { return: 204, internal: true },
            "= /no": { return: 403, internal: true },
          },
        };
        const field = `X-Forwarded-For: ${address}`;
        const { access: checks, answer } = explained(config, "/", [field]);
        await using proxy = startProxy(config);
        const response = await rawExchange(
          proxy.port,
          `GET / HTTP/1.1\r\nHost: x\r\n${field}\r\nConnection: close\r\n\r\n`,
        );
        const status = response.slice(9, 12);
        if (status === "200") seen.passed++;
        else seen.refused++;
        if (answer !== null) assert.equal(answer, `access ${status}`);
        else if (!checks.some((check) => check.includes(" asks "))) {
          assert.equal(status, "200");
        }
      },
    ),
    { numRuns: 200 },
  );
  assert(seen.passed > 30 && seen.refused > 30, JSON.stringify(seen));
});
