import { strictEqual } from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import { readAddress } from "../../lib/upstream/balance/address_bytes.ts";

/** The bytes written out, so that an address parser can read them again. */
function written(text: string): string | null {
  const bytes = new Uint8Array(16).fill(0xaa);
  const length = readAddress(text, bytes);
  if (length === 0) return null;
  if (length === 4) return bytes.subarray(0, 4).join(".");
  const groups = Array.from(
    { length: 8 },
    (_, i) => bytes.subarray(2 * i, 2 * i + 2).toHex(),
  );
  return canonical(groups.join(":"));
}

/** As WHATWG URL writes an IPv6 address. */
function canonical(ipv6: string): string {
  return new URL(`http://[${ipv6}]`).hostname;
}

Deno.test("the bytes of an address are those of another parser", () => {
  fc.assert(fc.property(fc.ipV4(), (text) => {
    strictEqual(written(text), text);
  }));
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      strictEqual(written(text), canonical(text));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a zone is no part of the address", () => {
  strictEqual(written("fe80::1%eth0"), "[fe80::1]");
});

const PIECES = ["0", "1", "255", "256", "00", "ffff", "12345", "g", "::", ":"];

const pieces = fc.array(
  fc.constantFrom(...PIECES, ":", ".", ".", "1.2.3.4"),
  { maxLength: 17 },
).map((pieces) => pieces.join(""));

/** An address with something put in at one place, or left out there. */
const edited = fc.tuple(
  fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant("1:2:3:4:5:6:7:8")),
  fc.nat(40),
  fc.nat(2),
  fc.constantFrom("", "", ":", "::", ".", "0", "1", "255", "f:", ":1.2.3.4"),
).map(([text, at, length, more]) =>
  text.slice(0, at) + more + text.slice(at + length)
);

Deno.test("what is no address is none", () => {
  fc.assert(
    fc.property(fc.oneof(pieces, edited), (text) => {
      strictEqual(written(text) !== null, isIP(text) !== 0, text);
    }),
    { numRuns: 20_000 },
  );
});
