import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import { parseAuthority } from "../../lib/config/address.ts";
import { parseAddress, readAddress } from "../../lib/route/address.ts";
import { isIn, networkSet, parseNetwork } from "../../lib/route/network.ts";

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

Deno.test("an address is parsed to the same bytes as by the platform", () => {
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

Deno.test("a zone is ignored where the bytes are read", () => {
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

Deno.test("an invalid address is refused, as by the platform and by the config", () => {
  fc.assert(
    fc.property(fc.oneof(pieces, edited), (text) => {
      const isAddress = isIP(text) !== 0;
      strictEqual(written(text) !== null, isAddress, text);
      strictEqual(parseAddress(text) !== null, isAddress, text);
      // A host of digits and dots can only be meant for an address.
      if (!/^[\d.]*\d$|:/.test(text)) return;
      const host = text.includes(":") ? `[${text}]` : text;
      strictEqual(isAuthority(host), isAddress, text);
    }),
    { numRuns: 10_000 },
  );
});

function isAuthority(text: string): boolean {
  try {
    parseAuthority(text);
    return true;
  } catch {
    return false;
  }
}

Deno.test("leading zeros, which some parsers take for octal, are refused everywhere", () => {
  for (
    const text of ["010.0.0.1", "10.0.0.01", "10.00.0.1", "::ffff:010.0.0.1"]
  ) {
    strictEqual(parseAddress(text), null, text);
    strictEqual(parseNetwork(text), null, text);
    strictEqual(parseNetwork(`${text}/8`), null, text);
    strictEqual(isIn(networkSet(["0.0.0.0/0", "::/0"]), text), false, text);
    const host = text.includes(":") ? `[${text}]` : text;
    strictEqual(isAuthority(host), false, text);
  }
});

Deno.test("an IPv4 address is the same as its IPv6 form, a zone is refused", () => {
  deepStrictEqual(parseAddress("10.1.2.3"), parseAddress("::ffff:a01:203"));
  strictEqual(parseAddress("fe80::1%eth0"), null);
});
