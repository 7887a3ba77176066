import assert from "node:assert/strict";
import { BlockList } from "node:net";
import fc from "fast-check";
import { isIn, networkSet, parseNetwork } from "../../lib/route/network.ts";

const v4 = fc.ipV4();
const v6 = fc.ipV6();

Deno.test("networks agree with the platform's BlockList", () => {
  const network = fc.oneof(
    fc.tuple(v4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(v6, fc.integer({ min: 0, max: 128 })),
  );
  fc.assert(
    fc.property(
      network,
      fc.oneof(v4, v6),
      fc.nat(128),
      ([base, bits], other, keep) => {
        const family = base.includes(":") ? "ipv6" : "ipv4";
        const list = new BlockList();
        list.addSubnet(base, bits, family);
        const set = networkSet([`${base}/${bits}`]);
        // Mostly far apart; so also one that shares a beginning with it.
        const near = family === "ipv4" ? share(base, keep % 33) : base;
        for (const address of [other, near, base]) {
          const kind = address.includes(":") ? "ipv6" : "ipv4";
          if (kind !== family) continue;
          assert.equal(isIn(set, address), list.check(address, kind), address);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

/** An address with the same first bits, and all others turned. */
function share(address: string, bits: number): string {
  const value = address.split(".").reduce(
    (sum, part) => sum * 256 + Number(part),
    0,
  );
  const mask = bits === 32 ? 0 : 2 ** (32 - bits) - 1;
  const turned = (value ^ mask) >>> 0;
  return [24, 16, 8, 0].map((shift) => turned >>> shift & 255).join(".");
}

Deno.test("an IPv4 address in IPv6 form is the same address", () => {
  const set = networkSet(["10.0.0.0/8", "fd00::/8"]);
  assert(isIn(set, "10.255.0.1"));
  assert(isIn(set, "::ffff:10.1.2.3"));
  assert(isIn(set, "::FFFF:a01:203"));
  assert(isIn(set, "fdab::1"));
  assert(!isIn(set, "11.0.0.1"));
  assert(!isIn(set, "::ffff:11.0.0.1"));
  assert(!isIn(set, "fe80::1"));
});

Deno.test("a peer on a unix socket is trusted only if `unix` is listed", () => {
  assert(isIn(networkSet(["unix"]), "unix:"));
  assert(!isIn(networkSet(["0.0.0.0/0", "::/0"]), "unix:"));
  assert(!isIn(networkSet(["unix"]), "127.0.0.1"));
});

Deno.test("an invalid network is refused", () => {
  for (
    const text of [
      "",
      "10.0.0.0/33",
      "10.0.0/8",
      "256.0.0.1",
      "::/129",
      "a",
      "1:2",
      "::1::",
      "10.0.0.0/",
      "/8",
      "[::1]",
    ]
  ) assert.equal(parseNetwork(text), null, text);
  assert(!isIn(networkSet(["::/0"]), "nonsense"));
});
