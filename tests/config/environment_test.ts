import assert from "node:assert/strict";
import fc from "fast-check";
import type { Path } from "../../lib/config/config_error.ts";
import {
  substituteEnvironment,
  substituteText,
} from "../../lib/config/environment.ts";
import { locate, plan, problems, proxyOf, rendered } from "./config.ts";

const env = (name: string) =>
  ({ NAME: "value", EMPTY: "", DOLLAR: "a$b$$c", PORT: "9100" })[name];

Deno.test("a variable of the environment is put in", () => {
  assert.equal(substituteText("${NAME}", env), "value");
  assert.equal(substituteText("<${NAME}|${NAME}>", env), "<value|value>");
  assert.equal(substituteText("${EMPTY}", env), "");
});

Deno.test("a default stands in for what is not set or empty, as in a shell", () => {
  assert.equal(substituteText("${NAME:-other}", env), "value");
  assert.equal(substituteText("${NONE:-backend:8000}", env), "backend:8000");
  assert.equal(substituteText("${EMPTY:-other}", env), "other");
  assert.equal(substituteText("${NONE:-}", env), "");
  assert.equal(substituteText("${NONE:-${NAME}!}", env), "value!");
  assert.equal(substituteText("${NONE:-${host}}", env), "${host}");
  assert.equal(substituteText("${A:-${B:-${C:-deep}}}", env), "deep");
});

Deno.test("the request's variables and double dollars pass through", () => {
  for (const text of ["$host", "${host}:$server_port", "$$", "$${NAME}", "$"]) {
    assert.equal(substituteText(text, env), text);
  }
});

Deno.test("a dollar in the environment is a dollar, not a variable", () => {
  assert.equal(substituteText("${DOLLAR}", env), "a$$b$$$$c");
  const secret = plan(
    "proxy_set_header: {X-Secret: '${SECRET}'}\nlocations: {/: 'http://a:80'}",
    { SECRET: "p$host$$" },
  );
  assert.deepEqual(rendered(locate(secret, "/")), { "x-secret": "p$host$$" });
});

Deno.test("what is wrong with a substitution is said", () => {
  const messages: [string, RegExp][] = [
    [
      "${NONE}",
      /^the environment variable NONE is not set \(write \$\{NONE:-…\} to give a default\)$/,
    ],
    ["${NONE:?say who}", /^the environment variable NONE is not set: say who$/],
    ["${EMPTY:?}", /^the environment variable EMPTY is not set$/],
    ["${NAME", /without its "}" in "\$\{NAME"/],
    ["${A:-${B}", /without its "}"/],
    [
      "${NAME-x}",
      /^expected \$\{NAME\}, \$\{NAME:-default\} or \$\{NAME:\?message\}, got "\$\{NAME-x\}"$/,
    ],
    ["${NAME:+x}", /got "\$\{NAME:\+x\}"/],
    [
      "${name:-x}",
      /^"name": the names of environment variables are in capital letters here$/,
    ],
  ];
  for (const [text, message] of messages) {
    assert.throws(() => substituteText(text, env), { message });
  }
});

Deno.test("a text without dollars is never changed", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    fc.pre(!text.includes("$"));
    assert.equal(substituteText(text, env), text);
  }));
});

Deno.test("a value of the environment comes out as it went in", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (value, around) => {
    fc.pre(!around.includes("$"));
    const text = substituteText(`${around}\${X}${around}`, () => value);
    assert.equal(text.replaceAll("$$", "$"), around + value + around);
  }));
});

Deno.test("numbers and switches may come from the environment", () => {
  const text = `
listen: \${PORT}
dev: \${DEV}
client_max_body_size: \${SIZE}
proxy_read_timeout: \${TIMEOUT}
websocket_ping: \${PING}
access_log: \${LOG}
upstreams: {a: {servers: ['a:80'], keepalive: '\${KEEP}'}}
locations: {/: http://a}`;
  const read = plan(text, {
    PORT: "9100",
    DEV: "true",
    SIZE: "1048577",
    TIMEOUT: "5",
    PING: "0",
    LOG: "off",
    KEEP: "7",
  });
  const location = locate(read, "/");
  const { settings } = location;
  assert.deepEqual(read.listeners[0]?.address, {
    transport: "tcp",
    hostname: "0.0.0.0",
    port: 9100,
  });
  assert.equal(read.dev, true);
  assert.equal(settings.client_max_body_size, 1_048_577);
  assert.deepEqual(settings.proxy_read_timeout, { head: 5000, body: 5000 });
  assert.equal(settings.websocket_ping, 0);
  assert.equal(settings.access_log, false);
  assert.equal(proxyOf(location).upstream.keepalive, 7);
});

Deno.test("a header's value from the environment stays the text it is", () => {
  const text = "proxy_set_header: {X-A: '${A}'}\nlocations: {/: 'http://a:80'}";
  for (const value of ["1.10", "007", "true", "0x10", "12345678901234567890"]) {
    assert.deepEqual(rendered(locate(plan(text, { A: value }), "/")), {
      "x-a": value,
    });
  }
});

Deno.test("a variable that is not set is one problem, and hides no other", () => {
  assert.deepEqual(
    problems("listen: ${PORT}\nlocations: {/: '${TO}', /a: a}"),
    [
      "config.yaml: listen: the environment variable PORT is not set (write ${PORT:-…} to give a default)",
      'config.yaml: locations["/"]: the environment variable TO is not set (write ${TO:-…} to give a default)',
      'config.yaml: locations["/a"]: "a" has no scheme (write "http://a")',
    ],
  );
});

Deno.test("keys are left alone", () => {
  assert.deepEqual(
    substituteEnvironment({ "${NAME}": "${NAME}" }, env, () => assert.fail()),
    { "${NAME}": "value" },
  );
});

function reported(document: unknown): [string, string][] {
  const found: [string, string][] = [];
  substituteEnvironment(document, env, (path: Path, message) => {
    found.push([path.join("/"), message]);
  });
  return found;
}

Deno.test("what YAML has beyond maps, lists and scalars is refused", () => {
  assert.deepEqual(reported({ a: new Date(0), b: [new Uint8Array(1)] }), [
    ["a", "a date can't be used here (put it in quotes)"],
    ["b/0", "a map can't be used here (put it in quotes)"],
  ]);
});

Deno.test("names that every object has are refused as keys", () => {
  const document: unknown = JSON.parse(
    '{"__proto__": 1, "a": {"constructor": 1, "prototype": 1, "toString": 1}}',
  );
  assert.deepEqual(reported(document), [
    ["__proto__", "this name can't be used"],
    ["a/constructor", "this name can't be used"],
    ["a/prototype", "this name can't be used"],
  ]);
});

Deno.test("a document that contains itself ends", () => {
  const list: unknown[] = [];
  list.push(list);
  const map: Record<string, unknown> = { list };
  map["map"] = map;
  assert.deepEqual(reported(map), []);
  assert.match(
    problems("locations: &a {/: *a}").join(),
    /ConfigError|locations/,
  );
});

Deno.test("aliases of aliases do not grow", () => {
  let document: unknown = ["${NAME}"];
  for (let i = 0; i < 25; i++) document = [document, document];
  const started = performance.now();
  assert.deepEqual(reported(document), []);
  assert(performance.now() - started < 1000);
});

Deno.test("a document nested too deeply is refused", () => {
  let document: unknown = "x";
  for (let i = 0; i < 100; i++) document = [document];
  assert.deepEqual(reported({ a: document }), [
    ["a", "the values are nested too deeply"],
  ]);
});
