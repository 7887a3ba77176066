import { type Schema, Validator } from "@cfworker/json-schema";
import { parse } from "@std/yaml/parse";
import assert from "node:assert/strict";
import { jsonSchema } from "../../lib/config/load.ts";
import { makeJsonSchema } from "../../lib/config/json_schema.ts";
import { HEADER_NAME_PATTERN } from "../../lib/config/directives/proxy_set_header.ts";

const schema = makeJsonSchema();
const validator = new Validator(schema as Schema, "7");

function valid(document: unknown): boolean {
  return validator.validate(document).valid;
}

function read(name: string): string {
  return Deno.readTextFileSync(new URL(`../../${name}`, import.meta.url));
}

Deno.test("the shipped JSON Schema is that of the code (deno task schema)", async () => {
  assert.deepEqual(JSON.parse(read("config.schema.json")), await jsonSchema());
});

Deno.test("the shipped config names the schema and is valid", () => {
  const text = read("config.yaml");
  assert.match(
    text,
    /^# yaml-language-server: \$schema=\.\/config\.schema\.json\n/,
  );
  const result = validator.validate(parse(text));
  assert.deepEqual(result.errors, []);
});

const to = "http://backend:80";

Deno.test("what a config may say is valid", () => {
  const documents: Record<string, unknown>[] = [
    { listen: 9000 },
    { listen: "${PORT:-9000}" },
    { listen: ["[::]:9000", "unix:/x", 0] },
    { server_name: ["a", "*.b"] },
    { upstreams: { a: "a:80", b: ["b:80", { address: "${B}" }] } },
    { upstreams: { a: { servers: ["${A:-a:80}"], keepalive: "${KEEP}" } } },
    { proxy_set_header: { "X-A": "", "Host": "$host" } },
    { proxy_redirect: "off" },
    { proxy_redirect: "${REDIRECT}" },
    { proxy_redirect: { "http://a/": "/" } },
    { client_max_body_size: 0, proxy_read_timeout: "1h30m" },
    { client_max_body_size: "${SIZE}", proxy_read_timeout: "${TIME:-5s}" },
    { websocket_ping: "off", websocket_buffer_size: "64k" },
    { access_log: "off", dev: true, log_format: "json" },
    { access_log: "${LOG}", dev: "${DEV:-false}", log_format: "${FORMAT}" },
    { shutdown_timeout: "30s", websocket_drain: 5 },
    { locations: { "= /x": to, "~* \\.a$": { proxy_pass: "${TO}" } } },
    { locations: { "/": { return: 404 }, "/a": { return: "200 ok" } } },
    { locations: { "/": { return: "${GO}" }, "/a": { return: [200, "ok"] } } },
    {
      locations: { "/": { return: "https://a/" }, "= /": { return: ["404"] } },
    },
    { access: [{ allow: "10.0.0.0/8" }, { deny: ["a", "all"] }] },
    { satisfy: "any", auth_basic: "x", auth_basic_user_file: "y" },
    { auth_request: "/auth", auth_request_set: { $user: "$host" } },
    { auth_request: "off" },
    { limit_req_zone: { a: "1r/s", b: { rate: "1r/m", key: "$host" } } },
    { limit_req: "off", limit_req_status: 503, limit_req_dry_run: "on" },
    { limit_req: "10r/s" },
    { limit_req: { rate: "5r/m", burst: 5, nodelay: true, size: "1m" } },
    { limit_req: ["1r/s", { zone: "a", burst: 5, delay: 2 }] },
    { websocket_origins: ["self", "https://*.example.com", "null"] },
    { websocket_origins: "any" },
    { locations: { "/": { proxy_pass: to, internal: true } } },
  ];
  for (const document of documents) {
    assert(
      valid({ locations: { "/": to }, ...document }),
      JSON.stringify(document),
    );
  }
  assert(
    valid({ servers: [{ locations: { "/": to } }], client_max_body_size: 1 }),
  );
});

Deno.test("what a config may not say is not valid", () => {
  const documents: Record<string, unknown>[] = [
    { listen: 70000 },
    { listen: "localhost" },
    { listen: [] },
    { server_name: 1 },
    { upstreams: { a: "a" } },
    { upstreams: { a: {} } },
    { upstreams: { a: { servers: ["a:80"], weight: 1 } } },
    { proxy_set_header: { "X A": "x" } },
    { proxy_set_header: { "X-A": 1 } },
    { proxy_set_header: ["Host $host"] },
    { proxy_redirect: "on" },
    { client_max_body_size: "1MB" },
    { client_max_body_size: -1 },
    { proxy_read_timeout: "fast" },
    { websocket_ping: "never" },
    { access_log: "yes" },
    { dev: 1 },
    { log_format: "xml" },
    { unknown: 1 },
    { locations: { "api": to } },
    { locations: { "/": "backend" } },
    { locations: { "/": { proxy_pass: to, return: 404 } } },
    { locations: { "/": { proxy_pass: to, root: "a" } } },
    { locations: { "/": { alias: "a", root: "a" } } },
    { locations: { "/": { root: "a", try_files: 404 } } },
    { locations: { "/": { root: 1 } } },
    { expires: "soon" },
    { types: { "text/css": 1 } },
    { locations: { "/": { return: 100 } } },
    { locations: { "/": { return: "gone" } } },
    { locations: { "/": { return: [200, "a", "b"] } } },
    { return: 100 },
    { access: { deny: "all" } },
    { access: [] },
    { access: [{ allow: "a", deny: "b" }] },
    { access: [{}] },
    { satisfy: "some" },
    { auth_request: "auth" },
    { auth_request_set: { user: "$host" } },
    { limit_req: "10" },
    { limit_req: { burst: 5 } },
    { limit_req: { rate: "1r/s", zone: "a" } },
    { limit_req: [] },
    { limit_req_status: 200 },
    { websocket_origins: "example.com" },
    { internal: true },
    { locations: { "/": { proxy_pass: to, upgrade: true } } },
    { servers: [{}] },
    { servers: [] },
  ];
  for (const document of documents) {
    assert(
      !valid({ locations: { "/": to }, ...document }),
      JSON.stringify(document),
    );
  }
  assert(valid({ return: 404 }));
  for (const document of [{}, { listen: 1 }, [], null, "x"]) {
    assert(!valid(document));
  }
});

Deno.test("every directive is documented, and no other key allowed", () => {
  const definitions = schema["definitions"] as Record<string, unknown>;
  const documented = (value: unknown): boolean => {
    const { $ref, title, description } = value as Record<string, string>;
    if ($ref === undefined) return !!title && !!description;
    return documented(definitions[$ref.replace("#/definitions/", "")]);
  };
  let blocks = 0;
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { properties, additionalProperties } = value as Record<
      string,
      unknown
    >;
    if (properties !== undefined) {
      blocks++;
      assert.equal(additionalProperties, false);
      for (const [name, property] of Object.entries(properties as object)) {
        assert(name === "address" || documented(property), name);
      }
    }
    Object.values(value).forEach(visit);
  };
  visit(schema);
  assert.equal(blocks, 19);
  assert.equal(schema["$schema"], "http://json-schema.org/draft-07/schema#");
  assert.match("X-Real-IP", new RegExp(HEADER_NAME_PATTERN));
});
