/**
 * `ssl_certificate: {acme: …}` in the config: which certificates it asks for, and
 * what is refused.
 *
 * @module
 */
import assert from "node:assert/strict";
import { planFromObject } from "../../lib/config/load.ts";
import type { Plan } from "../../lib/config/plan.ts";
import { explanationOf } from "../../lib/cli/explain.ts";
import { askedRequest } from "../../lib/cli/request_line.ts";
import { thrown } from "./config.ts";

const LOCATIONS = { "/": { return: 200 } };

const SSL = {
  listen: "443 ssl",
  server_name: "a.example",
  redirect_to_https: 80,
  ssl_certificate: { acme: {} },
};

function plan(config: Record<string, unknown>): Plan {
  return planFromObject({ locations: LOCATIONS, ...SSL, ...config }, {
    source: "/etc/sameorigin/config.yaml",
    env: () => undefined,
  });
}

/** The problems of a config, each without the file's name. */
function problems(config: Record<string, unknown>): string[] {
  return thrown(() => plan(config)).message.split("\n")
    .map((line) => line.replace("/etc/sameorigin/config.yaml: ", ""));
}

/** The problems of an `acme`. */
const acmeProblems = (acme: unknown, rest: Record<string, unknown> = {}) =>
  problems({ ...rest, ssl_certificate: { acme } });

Deno.test("a certificate is for server_name, from Let's Encrypt, unless it is said otherwise", () => {
  const [one, ...others] = plan({}).acme;
  assert.deepEqual(others, []);
  const { file, ...facts } = one!;
  assert.deepEqual(facts, {
    names: ["a.example"],
    email: null,
    directory: "https://acme-v02.api.letsencrypt.org/directory",
    stateDir: "/var/lib/sameorigin",
  });
  assert.match(
    file,
    /^\/var\/lib\/sameorigin\/certificates\/a\.example-[0-9a-f]{8}-[0-9a-f]{8}\.pem$/,
  );

  const [other] = plan({
    state_dir: "state",
    ssl_certificate: {
      acme: {
        email: "mailto:me@a.example",
        directory: "letsencrypt-staging",
        names: ["B.example.", "a.example"],
      },
    },
  }).acme;
  assert.equal(other?.email, "me@a.example");
  assert.match(other.directory, /acme-staging-v02/);
  assert.deepEqual(other.names, ["b.example", "a.example"]);
  assert.equal(other.stateDir, "/etc/sameorigin/state");
});

Deno.test("servers that have it from the top share one certificate for all their names", () => {
  const server = (server_name: string, rest = {}) => ({
    listen: "443 ssl",
    server_name,
    locations: LOCATIONS,
    ...rest,
  });
  const { listen: _, server_name: __, ...top } = SSL;
  const { acme, listeners } = planFromObject({
    ...top,
    servers: [server("a.example"), server("b.example")],
  }, { source: "test", env: () => undefined });
  assert.deepEqual(acme.map(({ names }) => names), [[
    "a.example",
    "b.example",
  ]]);
  assert.deepEqual(listeners.map(({ written }) => written), ["443 ssl", "80"]);
});

Deno.test("the file changes with the names and the authority, not with their order", () => {
  const fileFor = (acme: Record<string, unknown>) =>
    plan({ ssl_certificate: { acme } }).acme[0]?.file;
  const file = fileFor({ names: ["a.example", "b.example", "c.example"] });
  assert.equal(
    fileFor({ names: ["a.example", "c.example", "b.example"] }),
    file,
  );
  assert.notEqual(fileFor({ names: ["a.example", "b.example"] }), file);
  const staging = fileFor({
    directory: "letsencrypt-staging",
    names: ["a.example", "b.example", "c.example"],
  });
  assert.notEqual(staging, file);
});

Deno.test("what no authority certifies by HTTP-01 is refused", () => {
  const star = "HTTP-01 has none with a star: write the names";
  const cases: [string, string][] = [
    ["*.a.example", star],
    [".a.example", star],
    ["127.0.0.1", "it is an address"],
    ["[::1]", "it is an address"],
    ["localhost", "it is not the full name of a host"],
    ["_", "it is not the full name of a host"],
  ];
  for (const [server_name, why] of cases) {
    assert.deepEqual(problems({ server_name }), [
      `ssl_certificate: acme: there is no certificate for "${server_name}": ${why}`,
    ]);
  }
  assert.deepEqual(problems({ server_name: "" }), [
    "ssl_certificate: acme needs a server_name, or names",
  ]);
});

Deno.test("a malformed acme is refused", () => {
  assert.deepEqual(acmeProblems({ directory: "letsencrypt-stage" }), [
    'ssl_certificate.acme.directory: expected "letsencrypt", ' +
    '"letsencrypt-staging" or an https URL, got "letsencrypt-stage"',
  ]);
  assert.deepEqual(acmeProblems({ directory: "http://a/" }).length, 1);
  assert.deepEqual(acmeProblems({ email: "me" }), [
    'ssl_certificate.acme.email: expected an email address, got "me"',
  ]);
  assert.deepEqual(acmeProblems({}, { redirect_to_https: undefined }), [
    "ssl_certificate: acme needs redirect_to_https: the authority asks on port 80",
  ]);
  assert.deepEqual(acmeProblems({}, { ssl_certificate_key: "a.key" }), [
    "ssl_certificate_key: not with acme, which makes keys of its own",
  ]);
});

Deno.test("explain shows what answers a challenge, and that all else is redirected", () => {
  const explained = (target: string) => {
    const url = `http://a.example${target}`;
    return explanationOf(askedRequest(plan({}), "GET", url, [])).answer;
  };
  const challenge = explained("/.well-known/acme-challenge/abc");
  assert.match(
    challenge?.reason ?? "",
    /^the answer to a challenge in \/var\/lib\/sameorigin\/challenges, or 404$/,
  );
  const { status, location } = explained("/x?y")!;
  assert.deepEqual([status, location], [308, "https://a.example/x?y"]);
});
