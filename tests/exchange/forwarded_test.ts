import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { networkSet } from "../../lib/route/network.ts";
import { readForwarded } from "../../lib/exchange/forwarded.ts";

const TRUSTED = networkSet(["10.0.0.0/8", "fd00::/8"]);

const told = (
  headers: Record<string, string>,
  header = "x-forwarded-for",
) => {
  const { remoteAddr, scheme, host } = readForwarded(
    new Headers(headers),
    TRUSTED,
    header,
  );
  return [remoteAddr, scheme, host];
};
const client = (chain: string) => told({ "x-forwarded-for": chain })[0];

Deno.test("the client is the last of X-Forwarded-For that is not trusted itself", () => {
  equal(client("192.0.2.1"), "192.0.2.1");
  equal(client("192.0.2.1, 10.0.0.1"), "192.0.2.1");
  equal(client("192.0.2.1,10.0.0.1 , 10.9.9.9"), "192.0.2.1");
  // What is left of it could be made up.
  equal(client("203.0.113.9, 192.0.2.1, 10.0.0.1"), "192.0.2.1");
  equal(client("10.0.0.1, 192.0.2.1"), "192.0.2.1");
  // All are trusted: the first, as with nginx.
  equal(client("10.0.0.2, 10.0.0.1"), "10.0.0.2");
  equal(client("2001:db8::1, fd00::2"), "2001:db8::1");
  equal(client("::ffff:192.0.2.1, ::ffff:10.0.0.1"), "::ffff:192.0.2.1");
});

Deno.test("ports and brackets are removed", () => {
  equal(client("192.0.2.1:4711"), "192.0.2.1");
  equal(client("[2001:db8::1]:4711"), "2001:db8::1");
  equal(client("[2001:db8::1]"), "2001:db8::1");
  equal(client("192.0.2.1, 10.0.0.1:80"), "192.0.2.1");
});

Deno.test("an invalid address ends the chain at the proxy before it", () => {
  for (
    const hidden of [
      "unknown",
      "_hidden",
      "",
      "a.example",
      "256.1.1.1",
      "192.0.2.1.2",
      "[192.0.2.1",
      "1",
      "2001:db8::1:",
      "192.0.2.1 10.0.0.1",
    ]
  ) {
    equal(client(hidden), null, hidden);
    equal(client(`${hidden}, 10.0.0.1`), "10.0.0.1", hidden);
    equal(client(`198.51.100.1, ${hidden}, 10.0.0.1`), "10.0.0.1", hidden);
  }
});

Deno.test("the last value of X-Forwarded-Proto and -Host is used, which the nearest proxy wrote", () => {
  deepStrictEqual(told({ "x-forwarded-proto": "https" }), [
    null,
    "https",
    null,
  ]);
  deepStrictEqual(told({ "x-forwarded-proto": "http, http,HTTPS" }), [
    null,
    "https",
    null,
  ]);
  deepStrictEqual(told({ "x-forwarded-proto": "https, gopher" }), [
    null,
    null,
    null,
  ]);
  deepStrictEqual(told({ "x-forwarded-proto": "https," }), [null, null, null]);
  deepStrictEqual(told({ "x-forwarded-host": "evil, a.example:8443" }), [
    null,
    null,
    "a.example:8443",
  ]);
});

const hops = (forwarded: string) => told({ forwarded }, "forwarded");

Deno.test("Forwarded is read as RFC 7239 says", () => {
  // Its own examples, section 4 and 6, seen from behind two trusted proxies.
  deepStrictEqual(hops('For="[2001:db8:cafe::17]:4711"'), [
    "2001:db8:cafe::17",
    null,
    null,
  ]);
  deepStrictEqual(hops("for=192.0.2.60;proto=http;by=203.0.113.43"), [
    "192.0.2.60",
    "http",
    null,
  ]);
  deepStrictEqual(hops("for=192.0.2.43, for=10.51.100.17"), [
    "192.0.2.43",
    null,
    null,
  ]);
  deepStrictEqual(hops('for="_gazonk"'), [null, null, null]);
  deepStrictEqual(hops('for=unknown, for="10.0.0.1:80"'), [
    "10.0.0.1",
    null,
    null,
  ]);
  deepStrictEqual(hops('for="192.0.2.43:47011";host=a.example;proto=https'), [
    "192.0.2.43",
    "https",
    "a.example",
  ]);
  deepStrictEqual(hops("for=192.0.2.43:47011"), ["192.0.2.43", null, null]);
  deepStrictEqual(hops('host="a\\.example\\:8443"'), [
    null,
    null,
    "a.example:8443",
  ]);
  deepStrictEqual(hops("FOR=192.0.2.1 ; Proto=HTTPS"), [
    "192.0.2.1",
    "https",
    null,
  ]);
});

Deno.test("only what trusted proxies have written in Forwarded is used", () => {
  deepStrictEqual(
    hops(
      "for=203.0.113.9;proto=http;host=evil, for=192.0.2.1;proto=https;host=a.example, for=10.0.0.1;proto=http",
    ),
    ["192.0.2.1", "https", "a.example"],
  );
  // Where that says nothing of it, a nearer one may.
  deepStrictEqual(
    hops(
      "for=203.0.113.9;host=evil, for=192.0.2.1, for=10.0.0.1;host=a.example",
    ),
    ["192.0.2.1", null, "a.example"],
  );
});

Deno.test("empty parts of Forwarded are ignored", () => {
  for (
    const text of [
      "for=192.0.2.9, for=192.0.2.1;",
      "for=192.0.2.9, ;for=192.0.2.1",
      "for=192.0.2.9,,for=192.0.2.1,",
      "for=192.0.2.9, for=192.0.2.1;;proto=http ;",
    ]
  ) {
    equal(hops(text)[0], "192.0.2.1", text);
  }
  deepStrictEqual(hops(""), [null, null, null]);
  deepStrictEqual(hops(" , ;"), [null, null, null]);
});

Deno.test("a malformed Forwarded is ignored", () => {
  for (
    const text of [
      'for="192.0.2.1',
      "for",
      "for=a b",
      'for="a"b',
      "=x",
      "for=192.0.2.1 proto=http",
      'for="x, for=192.0.2.1',
    ]
  ) {
    deepStrictEqual(hops(text), [null, null, null], text);
  }
});

/** What a client may send beside what its proxy writes. */
const BOTH = {
  "forwarded": "for=192.0.2.1;proto=https;host=a.example",
  "x-forwarded-for": "192.0.2.2",
  "x-forwarded-proto": "http",
  "x-forwarded-host": "b.example",
  "x-real-ip": "192.0.2.3",
  "cf-connecting-ip": "2001:db8::4",
};

Deno.test("only the header that is configured is believed, whatever else there is", () => {
  deepStrictEqual(told(BOTH, "x-forwarded-for"), [
    "192.0.2.2",
    "http",
    "b.example",
  ]);
  deepStrictEqual(told(BOTH, "forwarded"), [
    "192.0.2.1",
    "https",
    "a.example",
  ]);
  deepStrictEqual(told(BOTH, "x-real-ip"), ["192.0.2.3", "http", "b.example"]);
  deepStrictEqual(told(BOTH, "cf-connecting-ip"), [
    "2001:db8::4",
    "http",
    "b.example",
  ]);
});

Deno.test("no other header is used where the configured one is missing", () => {
  const nothing = [null, null, null];
  const { forwarded, ...rest } = BOTH;
  deepStrictEqual(told({ forwarded }, "x-forwarded-for"), nothing);
  deepStrictEqual(told(rest, "forwarded"), nothing);
  equal(told({ "x-forwarded-for": "192.0.2.2" }, "x-real-ip")[0], null);
});

Deno.test("another header is read like X-Forwarded-For, in which the proxy writes last", () => {
  const realIp = (value: string) =>
    told({ "x-real-ip": value }, "x-real-ip")[0];
  equal(realIp("192.0.2.1:4711"), "192.0.2.1");
  equal(realIp("203.0.113.9, 192.0.2.1"), "192.0.2.1");
  equal(realIp("010.0.0.1"), null);
  equal(realIp("fe80::1%eth0"), null);
  equal(realIp("unknown"), null);
});

Deno.test("no header value makes it throw or return an invalid address", () => {
  const bits = fc.constantFrom(
    "for=",
    "proto=",
    "host=",
    '"',
    "\\",
    ";",
    ",",
    "=",
    " ",
    "[",
    "]",
    ":",
    "10.0.0.1",
    "192.0.2.1",
    "fd00::1",
    "unknown",
    "https",
    "a.example",
    "é",
  );
  const text = fc.oneof(
    fc.array(bits, { maxLength: 20 }).map((parts) => parts.join("")),
    fc.string({
      unit: fc.integer({ min: 32, max: 255 }).map((c) =>
        String.fromCharCode(c)
      ),
    }),
  );
  const names = fc.constantFrom(
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
  );
  fc.assert(
    fc.property(
      fc.dictionary(names, text, { maxKeys: 4 }),
      names,
      (headers, header) => {
        const [address, scheme] = told(headers, header);
        ok(address === null || /^[\da-f.:]+$/i.test(address!), address!);
        ok(scheme === null || scheme === "http" || scheme === "https");
      },
    ),
    { numRuns: 2_000 },
  );
});

Deno.test("a long Forwarded is read in time that grows with its length", () => {
  for (
    const text of [
      'for="' + "\\".repeat(60_000),
      "a".repeat(60_000),
      "for=a;".repeat(10_000),
      " ".repeat(60_000) + "x",
    ]
  ) {
    const begun = performance.now();
    hops(text);
    ok(performance.now() - begun < 500, text.slice(0, 9));
  }
});
