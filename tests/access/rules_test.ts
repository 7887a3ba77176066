/**
 * `access` and `satisfy`: who may come in, by address.
 *
 * @module
 */
import { match, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { findRule } from "../../lib/access/rules.ts";
import { locate, plan } from "../config/config.ts";
import { ask, backend, toGroup } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";

/** The rules of a location with these. */
function rulesOf(access: unknown) {
  const read = plan(JSON.stringify({
    locations: { "/": { proxy_pass: "http://a:80", access } },
  }));
  return locate(read, "/").settings.access;
}

function decision(access: unknown, address: string): string | null {
  return findRule(rulesOf(access), address)?.written ?? null;
}

Deno.test("the first rule that fits decides", () => {
  const access = [
    { deny: "192.168.1.1" },
    { allow: ["192.168.1.0/24", "10.1.1.0/16"] },
    { allow: "2001:db8::/32" },
    { deny: "unix:" },
    { allow: "127.0.0.1" },
    { deny: "all" },
  ];
  const cases: [string, string][] = [
    ["192.168.1.1", "deny 192.168.1.1"],
    ["192.168.1.2", "allow 192.168.1.0/24"],
    ["10.1.255.1", "allow 10.1.1.0/16"],
    ["10.2.0.1", "deny all"],
    ["2001:db8::1", "allow 2001:db8::/32"],
    ["2001:db9::1", "deny all"],
    ["::ffff:192.168.1.9", "allow 192.168.1.0/24"],
    ["unix:", "deny unix:"],
    ["127.0.0.1", "allow 127.0.0.1"],
    // What is no address at all.
    ["unknown", "deny all"],
  ];
  for (const [address, written] of cases) {
    equal(decision(access, address), written, address);
  }
  equal(decision([{ deny: "10.0.0.1" }], "10.0.0.2"), null);
});

Deno.test("any rules decide as a naive reader of nginx's documentation does", () => {
  const byte = fc.integer({ min: 0, max: 3 });
  const address = fc.tuple(byte, byte).map(([a, b]) => `10.0.${a}.${b}`);
  const network = fc.oneof(
    address,
    fc.tuple(address, fc.constantFrom(16, 23, 24, 30, 31, 32))
      .map(([text, bits]) => `${text}/${bits}`),
    fc.constant("all"),
  );
  const rule = fc.oneof(
    network.map((allow) => ({ allow })),
    network.map((deny) => ({ deny })),
  );
  const number = (text: string) =>
    text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 6 }),
      address,
      (rules, client) => {
        let expected = null;
        for (const rule of rules) {
          const [[kind, network] = ["", ""]] = Object.entries(rule);
          const [base = "", bits = "32"] = network.split("/");
          const size = 2 ** (32 - Number(bits));
          const fits = network === "all" ||
            Math.floor(number(base) / size) ===
              Math.floor(number(client) / size);
          if (!fits) continue;
          expected = `${kind} ${network}`;
          break;
        }
        equal(decision(rules, client), expected);
      },
    ),
  );
});

Deno.test("a client whose address may not come in gets 403, and no server is asked", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    upstreams: toGroup([server])["upstreams"],
    trusted_proxies: "127.0.0.1",
    locations: {
      "/": "http://group",
      "/admin": {
        proxy_pass: "http://group",
        access: [{ allow: "10.0.0.0/8" }, { deny: "all" }],
      },
      // As in nginx, `return` comes before.
      "/gone": { return: 410, access: [{ deny: "all" }] },
    },
  });
  const from = (address: string, path = "/admin/") =>
    ask(proxy.url + path, { headers: { "x-forwarded-for": address } });
  equal(await from("10.1.2.3"), "200 a");
  match(await from("192.0.2.1"), /^403 .*Your address may not see this/);
  match(await ask(`${proxy.url}/admin`), /^403 /);
  equal(await from("192.0.2.1", "/"), "200 a");
  match(await from("192.0.2.1", "/gone"), /^410 /);
  equal(server.seen.length, 2);
});

Deno.test("a level that has a rule inherits none", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    upstreams: toGroup([server])["upstreams"],
    access: [{ deny: "all" }],
    locations: {
      "/": "http://group",
      "/open": {
        proxy_pass: "http://group",
        access: [{ deny: "192.0.2.1" }],
      },
    },
  });
  match(await ask(proxy.url), /^403 /);
  equal(await ask(`${proxy.url}/open`), "200 a");
});

Deno.test("a location that is internal is not there for clients", async () => {
  await using server = backend("a");
  await using proxy = startProxy({
    upstreams: toGroup([server])["upstreams"],
    locations: {
      "/": "http://group",
      "/secret/": { proxy_pass: "http://group", internal: true },
    },
  });
  for (const path of ["/secret/", "/secret", "/x/../secret/a", "/%73ecret/"]) {
    match(await ask(proxy.url + path), /^404 /, path);
  }
  equal(await ask(proxy.url), "200 a");
  equal(server.seen.length, 1);
});
