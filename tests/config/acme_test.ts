/**
 * `ssl_certificate: {acme: …}`: what it means, and what is refused.
 *
 * @module
 */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { planFromObject } from "../../lib/config/load.ts";
import type { Plan } from "../../lib/config/plan.ts";
import { thrown } from "./config.ts";

const SITE = {
  listen: "443 ssl",
  redirect_to_https: 80,
  server_name: ["Shop.example", "www.shop.example"],
};
const LOCATIONS = { "/": { return: 200 } };

function plan(config: Record<string, unknown>): Plan {
  return planFromObject({ locations: LOCATIONS, ...config }, {
    source: "/nowhere/config.yaml",
    env: () => undefined,
  });
}

function problems(acme: unknown, config: Record<string, unknown> = {}) {
  return thrown(() => plan({ ...SITE, ssl_certificate: { acme }, ...config }))
    .message.split("\n")
    .map((line) => line.replace("/nowhere/config.yaml: ", ""));
}

Deno.test("acme has Let's Encrypt for the names of its server, if nothing else is said", () => {
  const { acme: [acme], listeners } = plan({
    ...SITE,
    ssl_certificate: { acme: {} },
  });
  assert.deepEqual(acme?.names, ["shop.example", "www.shop.example"]);
  assert.equal(acme.email, null);
  assert.equal(
    acme.directory,
    "https://acme-v02.api.letsencrypt.org/directory",
  );
  assert.equal(acme.stateDir, resolve("/var/lib/sameorigin"));
  assert.match(
    acme.file,
    /[\\/]certificates[\\/]shop\.example(-[0-9a-f]{8}){2}\.pem$/,
  );
  assert.deepEqual(listeners.map(({ written }) => written), ["443 ssl", "80"]);
});

Deno.test("at the top it is one certificate for all servers that have it from there", () => {
  const server = (name: string, rest = {}) => ({
    listen: "443 ssl",
    server_name: name,
    locations: LOCATIONS,
    ...rest,
  });
  const { acme } = planFromObject({
    ssl_certificate: { acme: { directory: "letsencrypt-staging" } },
    redirect_to_https: 80,
    state_dir: "state",
    servers: [
      server("a.example"),
      server("b.example"),
      server("c.example", { listen: 8080, redirect_to_https: "off" }),
      server("d.example", {
        listen: "8443 ssl",
        ssl_certificate: { acme: { names: "e.example" } },
      }),
    ],
  }, { source: "/nowhere/config.yaml", env: () => undefined });
  assert.deepEqual(acme.map(({ names }) => names), [
    ["a.example", "b.example"],
    ["e.example"],
  ]);
  assert.equal(acme[0]?.stateDir, resolve("/nowhere/state"));
});

Deno.test("another authority or name makes another file, another order does not", () => {
  const file = (acme: Record<string, unknown>) =>
    plan({ ...SITE, ssl_certificate: { acme } }).acme[0]?.file;
  const names = (...names: string[]) => file({ names });
  assert.equal(
    names("a.example", "b.example", "c.example"),
    names("a.example", "c.example", "b.example"),
  );
  assert.notEqual(names("a.example"), names("a.example", "b.example"));
  assert.notEqual(file({}), file({ directory: "letsencrypt-staging" }));
  assert.equal(file({}), file({ email: "a@b.example" }));
});

Deno.test("what can't be had by HTTP-01 is refused", () => {
  const at = "ssl_certificate: acme: there is no certificate for";
  const cases: [string, string][] = [
    ["*.example.com", "HTTP-01 has none with a star: write the names"],
    [".example.com", "HTTP-01 has none with a star: write the names"],
    ["192.0.2.1", "it is an address"],
    ["[2001:db8::1]", "it is an address"],
    ["localhost", "it is not the full name of a host"],
    ["_", "it is not the full name of a host"],
  ];
  for (const [name, why] of cases) {
    const message = `${at} "${name}": ${why}`;
    assert.deepEqual(problems({ names: name }), [message]);
    assert.deepEqual(problems({}, { server_name: name }), [message]);
  }
  assert.deepEqual(problems({}, { server_name: "" }), [
    "ssl_certificate: acme needs a server_name, or names",
  ]);
});

Deno.test("what acme needs, and what it does not have, is said", () => {
  assert.deepEqual(problems({}, { redirect_to_https: "off" }), [
    "ssl_certificate: acme needs redirect_to_https: the authority asks on port 80",
  ]);
  assert.deepEqual(problems({}, { ssl_certificate_key: "x.pem" }), [
    "ssl_certificate_key: not with acme, which makes keys of its own",
  ]);
  assert.deepEqual(problems({ email: "nobody" }), [
    'ssl_certificate.acme.email: expected an email address, got "nobody"',
  ]);
  assert.deepEqual(problems({ directory: "http://a.example/" }), [
    'ssl_certificate.acme.directory: expected "letsencrypt", ' +
    '"letsencrypt-staging" or an https URL, got "http://a.example/"',
  ]);
  assert.deepEqual(problems(undefined), [
    "ssl_certificate.acme: expected a map with email, directory and names, got nothing",
  ]);
});
