import assert from "node:assert/strict";
import type { AdminPlan } from "../../lib/config/plan.ts";
import { plan, problems } from "./config.ts";

const LOCATIONS = "locations: { /: 'http://a:80' }";
const TOKEN = "0123456789abcdef";

function admin(value: string, override?: string): AdminPlan | null {
  return plan(`admin: ${value}\n${LOCATIONS}`, { ADMIN_TOKEN: TOKEN }, {
    admin: override,
  }).admin;
}

Deno.test("there is no admin listener unless the config or the command line says so", () => {
  assert.equal(plan(LOCATIONS).admin, null);
  assert.equal(plan(LOCATIONS, {}, { admin: "9001" }).admin?.written, "9001");
});

Deno.test("a port alone is one of this machine only", () => {
  for (const value of ["9001", "'9001'", "{ listen: 9001 }"]) {
    assert.deepEqual(admin(value)?.address, {
      transport: "tcp",
      hostname: "127.0.0.1",
      port: 9001,
    });
    assert.equal(admin(value)?.token, null);
  }
  for (
    const value of [
      "127.0.0.9:1",
      "localhost:9001",
      "'[::1]:9001'",
      "unix:/run/admin.sock",
    ]
  ) assert.equal(admin(value)?.token, null, value);
});

Deno.test("where other machines can connect a token is needed", () => {
  for (
    const value of [
      "0.0.0.0:9001",
      "'*:9001'",
      "'[::]:9001'",
      "192.0.2.1:9001",
      "proxy.example:9001",
      "127.0.0.1.example:9001",
    ]
  ) {
    const written = value.replaceAll("'", "");
    const refused = `config.yaml: admin: "${written}" can be reached from ` +
      "other machines: give it a token too (admin: { listen: …, token: … }), " +
      "or write 127.0.0.1";
    assert.deepEqual(problems(`admin: ${value}\n${LOCATIONS}`), [refused]);
    assert.deepEqual(
      problems(`admin: { listen: ${value} }\n${LOCATIONS}`),
      [refused],
    );
    assert.equal(admin(`{ listen: ${value}, token: ${TOKEN} }`)?.token, TOKEN);
  }
  const fromEnvironment = admin(
    "{ listen: 0.0.0.0:1, token: '${ADMIN_TOKEN}' }",
  );
  assert.equal(fromEnvironment?.token, TOKEN);
});

Deno.test("--admin is another address for the token of the config", () => {
  const given = admin(`{ listen: 9001, token: ${TOKEN} }`, "0.0.0.0:9002");
  assert.equal(given?.written, "0.0.0.0:9002");
  assert.equal(given?.token, TOKEN);
  assert.equal(admin("9001", "9002")?.written, "9002");
  assert.match(
    problems(LOCATIONS, {}, { admin: "0.0.0.0:9001" }).join(),
    /"0\.0\.0\.0:9001" can be reached from other machines/,
  );
  assert.deepEqual(problems(LOCATIONS, {}, { admin: "nowhere" }), [
    '--admin: "nowhere" has no port (write "nowhere:9000")',
  ]);
});

Deno.test("a token that can be guessed is refused, and not repeated", () => {
  for (const token of ["short", "with some spaces", "0123456789abcdé"]) {
    assert.deepEqual(
      problems(`admin: { listen: 9001, token: '${token}' }\n${LOCATIONS}`),
      [
        "config.yaml: admin.token: expected a token of at least 16 letters, " +
        "digits and ._~+/=-",
      ],
    );
  }
});
