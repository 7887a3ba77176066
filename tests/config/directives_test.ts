/**
 * A directive is declared once: everything else derives.
 *
 * @module
 */
import assert from "node:assert/strict";
import { directives } from "../../lib/config/directives/all.ts";
import type { Directive } from "../../lib/config/directives/directive.ts";
import { makeJsonSchema } from "../../lib/config/json_schema.ts";
import { locate, plan, problems } from "./config.ts";

const TO = "http://a:80";

const inherited = Object.entries<Directive>(directives)
  .filter(([, { kind }]) => kind === "inherited");

/** A text of the config for a directive: its default, or one that it takes. */
function sample(name: string, directive: Directive): unknown {
  return name === "proxy_read_timeout" ? "5s" : directive.default;
}

Deno.test("a directive that locations inherit is a setting, in one order for all", () => {
  const names = inherited.map(([name]) => name)
    .filter((name) => name !== "proxy_set_header");
  assert(names.length > 10);
  const read = plan(`
websocket_ping: 1s
servers:
  - {access_log: off, server_name: a, locations: {/: "${TO}", /x: {return: 404}}}
  - server_name: b
    locations:
      /: {websocket_message_rate: 1/s, client_max_body_size: 1k, proxy_pass: "${TO}"}
`);
  for (const [path, host] of [["/", "a"], ["/x", "a"], ["/", "b"]] as const) {
    const { settings } = locate(read, path, host);
    assert.deepEqual(Object.keys(settings), names);
    for (const value of Object.values(settings)) assert(value !== undefined);
  }
});

for (const [name, directive] of inherited) {
  Deno.test(`${name} is allowed at the top, in servers and in locations`, () => {
    const own = { [name]: sample(name, directive) };
    for (
      const document of [
        { ...own, locations: { "/": TO } },
        { servers: [{ ...own, locations: { "/": TO } }] },
        { locations: { "/": { ...own, proxy_pass: TO } } },
      ]
    ) {
      const { settings } = locate(plan(JSON.stringify(document)), "/");
      if (name === "proxy_set_header") continue;
      assert(name in settings);
    }
    assert.deepEqual(
      problems({
        locations: { "/": TO },
        upstreams: { u: { servers: ["a:80"], ...own } },
      }),
      [
        `config.yaml: upstreams.u.${name}: not allowed here (it belongs at ` +
        "the top, in a server or in a location)",
      ],
    );
  });
}

Deno.test("a directive of several places is one definition for editors", () => {
  const schema = makeJsonSchema();
  const definitions = schema["definitions"] as Record<string, unknown>;
  for (const [name, { places, description }] of Object.entries(directives)) {
    const definition = definitions[name] as Record<string, unknown> | undefined;
    assert.equal(definition !== undefined, places.length > 1, name);
    if (definition === undefined) continue;
    assert.equal(definition["title"], name);
    assert.equal(definition["description"], description);
  }
  const properties = schema["properties"] as Record<string, unknown>;
  assert.deepEqual(properties["websocket_ping"], {
    $ref: "#/definitions/websocket_ping",
    default: "30s",
  });
});

Deno.test("a directive in the wrong place is told where it belongs", () => {
  const cases: [string, string][] = [
    ["weight", "in a server of an upstream"],
    ["interval", "in a health_check"],
    ["balance", "in an upstream"],
    ["internal", "in a location"],
  ];
  for (const [name, place] of cases) {
    assert.deepEqual(problems({ locations: { "/": TO }, [name]: 1 }), [
      `config.yaml: ${name}: not allowed here (it belongs ${place})`,
    ]);
  }
  assert.deepEqual(
    problems({
      locations: { "/": { proxy_pass: TO, servers: [], limit_con: 1 } },
      upstreams: { u: { servers: ["a:80"], limit_conn: 1, workers: 2 } },
    }),
    [
      'config.yaml: locations["/"].servers: not allowed here (it belongs at the top or in an upstream)',
      'config.yaml: locations["/"].limit_con: unknown directive (did you mean "limit_conn"?)',
      "config.yaml: upstreams.u.limit_conn: not allowed here (it belongs at the top or in a location)",
      "config.yaml: upstreams.u.workers: not allowed here (it belongs at the top)",
    ],
  );
});
