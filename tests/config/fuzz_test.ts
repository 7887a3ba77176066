import { type Schema, Validator } from "@cfworker/json-schema";
import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, formatProblem } from "../../lib/config/config_error.ts";
import { makeJsonSchema } from "../../lib/config/json_schema.ts";
import { loadPlan, planFromObject } from "../../lib/config/load.ts";

const validator = new Validator(makeJsonSchema() as Schema, "7");
const shipped = Deno.readTextFileSync(
  new URL("../../config.yaml", import.meta.url),
);

const options = {
  source: "f",
  env: (name: string) => name === "A" ? "a:80" : undefined,
};

/** Whether a config is taken; one that is not must be refused in words. */
function isTaken(load: () => unknown): boolean {
  try {
    load();
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert(error.problems.length > 0);
    for (const problem of error.problems) {
      const { snippet: _, ...line } = problem;
      assert.doesNotMatch(formatProblem(line), /[^ -~\x80-\uffff]/);
      assert.doesNotMatch(problem.message, /undefined|\[object|Invalid/);
    }
    return false;
  }
}

const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    ...[0, 1, -1, 9000, 1.5, NaN, true, false, null, "", "on", "off", "30s"],
    ...["1m", "64k", "a", "a:80", "http://a", "http://a:80/x", "/", "= /x"],
    ...["~ ^/x", "$host", "${A}", "${B:-a:80}", "${B}", "unix:/x", "[::1]:80"],
    ...["default", "combined", "json", "a b;", "*", "*.a", "http://unix:/a:/b"],
  ),
  fc.string({ maxLength: 6 }),
);

const key = fc.oneof(
  fc.constantFrom(
    ...["listen", "server_name", "servers", "locations", "upstreams", "dev"],
    ...["proxy_pass", "proxy_set_header", "proxy_redirect", "access_log"],
    ...["client_max_body_size", "proxy_read_timeout", "websocket_ping"],
    ...["websocket_buffer_size", "log_format", "shutdown_timeout", "keepalive"],
    ...["websocket_drain", "address", "/", "/a", "= /a", "~ x", "a", "Host"],
    ...["return", "limit_conn", "limit_req", "access", "auth_basic", "satisfy"],
    ...["auth_request", "auth_request_set", "websocket_origins", "internal"],
    ...["auth_basic_user_file", "limit_req_zone", "allow", "deny", "zone"],
    ...["constructor", "__proto__", "toString", "location", "X-A"],
  ),
  fc.string({ maxLength: 4 }),
);

/** Any tree over the words that mean something. */
const anything = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    scalar,
    fc.array(tie("node"), { maxLength: 3 }),
    fc.dictionary(key, tie("node"), { maxKeys: 5 }),
  ),
})).node;

/** The right shape, with likely values, so that many are taken. */
const likely = (() => {
  const to = fc.constantFrom("http://a", "http://b:80", "https://[::1]/x", "a");
  const inheritable = {
    proxy_set_header: fc.dictionary(
      fc.constantFrom("Host", "X-A", "X-B"),
      fc.constantFrom("$host", "", "${A}", "a$$b"),
      { maxKeys: 2 },
    ),
    proxy_redirect: fc.constantFrom<unknown>("default", "off", { "/a": "/b" }),
    client_max_body_size: fc.constantFrom<unknown>(0, "1m", "2K", "64"),
    proxy_read_timeout: fc.constantFrom<unknown>(1, "1h30m", "500ms"),
    websocket_ping: fc.constantFrom<unknown>("off", 0, "1m"),
    access_log: fc.constantFrom<unknown>(true, "off"),
  };
  const partly = { requiredKeys: [] as [] };
  const location = fc.oneof(
    to,
    fc.record({ ...inheritable, proxy_pass: to }, {
      requiredKeys: ["proxy_pass"],
    }),
    fc.record({
      ...inheritable,
      return: fc.constantFrom<unknown>(
        ...[404, "200 ok", "301 /x", "https://a/$uri", [403, "no"], ["204"]],
        ...[301, 444, "ok", [200, "a", "b"]],
      ),
    }, { requiredKeys: ["return"] }),
  );
  const locations = fc.dictionary(
    fc.constantFrom("/", "/a", "= /a", "^~ /b/", "~ \\.x$", "~* y", "/é"),
    location,
    { minKeys: 1, maxKeys: 4 },
  );
  const address = fc.constantFrom("a:80", "[::1]:8000", "unix:/run/a");
  const upstream = fc.oneof(
    address,
    fc.array(address, { minLength: 1, maxLength: 2 }),
    fc.record({
      servers: fc.array(fc.oneof(address, fc.record({ address })), {
        minLength: 1,
        maxLength: 2,
      }),
      keepalive: fc.constantFrom<unknown>(0, 5, "7"),
    }, { requiredKeys: ["servers"] }),
  );
  const listen = fc.constantFrom<unknown>(
    80,
    "81",
    "[::]:82",
    [80, ":83"],
    "unix:/l",
  );
  const name = fc.constantFrom<unknown>("a", ".b", ["c", "*.d"], "e.*", "");
  const top = fc.record({
    ...inheritable,
    upstreams: fc.constant({}).chain(() => fc.record({ a: upstream })),
    log_format: fc.constantFrom("json", "combined"),
    dev: fc.boolean(),
    shutdown_timeout: fc.constantFrom<unknown>("1m", 10),
    websocket_drain: fc.constantFrom<unknown>("1s", 0),
  }, partly);
  const server = fc.record({
    ...inheritable,
    listen,
    server_name: name,
    locations,
  }, {
    requiredKeys: ["locations"],
  });
  return fc.tuple(
    top,
    fc.oneof(
      server,
      fc.array(server, { minLength: 1, maxLength: 3 }).map((servers) => ({
        servers,
      })),
    ),
  ).map(([common, rest]) => ({ ...common, ...rest }));
})();

Deno.test("any document is a plan or refused in words", () => {
  fc.assert(
    fc.property(anything, (document) => {
      isTaken(() => planFromObject(document, options));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("any text is a plan or refused in words", () => {
  const cut = fc.tuple(
    fc.nat(),
    fc.nat({ max: 10 }),
    fc.oneof(
      fc.string({ maxLength: 5 }),
      fc.constantFrom(
        "\n",
        "\t",
        ": ",
        "- ",
        "{",
        "[",
        "]",
        '"',
        "&a ",
        "*a",
        "!!set ",
        "---\n",
        "${",
        "#",
        "? ",
        "|\n",
      ),
    ),
  );
  fc.assert(
    fc.property(fc.array(cut, { minLength: 1, maxLength: 5 }), (cuts) => {
      let text = shipped;
      for (const [seed, length, by] of cuts) {
        const at = seed % text.length;
        text = text.slice(0, at) + by + text.slice(at + length);
      }
      isTaken(() => loadPlan(text, options));
    }),
    { numRuns: 1500 },
  );
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    isTaken(() => loadPlan(text, options));
  }));
});

Deno.test("what is taken is valid for editors too", () => {
  let taken = 0;
  const agree = (document: unknown) => {
    if (!isTaken(() => planFromObject(document, options))) return;
    taken++;
    const { valid, errors } = validator.validate(document);
    assert(valid, JSON.stringify(errors));
  };
  fc.assert(fc.property(likely, agree), { numRuns: 1000 });
  assert(taken > 100, `${taken} of 1000 were taken`);
  fc.assert(
    fc.property(anything, (document) => {
      // Something to replace, so that some of these are taken as well.
      if (typeof document !== "object" || Array.isArray(document)) return;
      agree({ locations: { "/": "http://a:80" }, ...document });
    }),
    { numRuns: 1000 },
  );
});
