/**
 * The parser for all IP addresses, whether of peers, from headers or from the
 * config.
 *
 * @module
 */
import { hexValue } from "./bytes.ts";

/**
 * Parses an IPv4 or IPv6 address as `inet_pton` does: without brackets, zone, and
 * leading zeros in decimal numbers, which some parsers take for octal.
 *
 * @returns 16 bytes; an IPv4 address in its IPv6 form ::ffff:a.b.c.d (RFC 4291
 * section 2.5.5.2). Null if the text is not an address.
 */
export function parseAddress(text: string): Uint8Array | null {
  const bytes = new Uint8Array(16);
  if (text.includes("%")) return null;
  switch (readAddress(text, bytes)) {
    case 0:
      return null;
    case 4:
      bytes.copyWithin(12, 0, 4);
      bytes.fill(0, 0, 10).fill(0xff, 10, 12);
      return bytes;
    case 16:
      return bytes;
  }
}

/**
 * Writes the bytes of an address to the start of `bytes`, without allocating. A
 * zone (`%eth0`) is ignored.
 *
 * @param bytes At least 16 bytes.
 * @returns The number of bytes, 4 or 16; 0 if the text is not an address.
 */
export function readAddress(text: string, bytes: Uint8Array): 0 | 4 | 16 {
  if (text.includes(":")) return readIpv6(text, bytes) ? 16 : 0;
  return readIpv4(text, 0, text.length, bytes, 0) ? 4 : 0;
}

function readIpv4(
  text: string,
  start: number,
  end: number,
  bytes: Uint8Array,
  offset: number,
): boolean {
  let count = 0;
  let digits = 0;
  let value = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0) return false;
      bytes[offset + count++] = value;
      digits = value = 0;
      continue;
    }
    if (code < ZERO || code > ZERO + 9) return false;
    if (digits++ > 0 && value === 0) return false;
    value = value * 10 + code - ZERO;
    if (value > 255) return false;
  }
  if (digits === 0 || count !== 3) return false;
  bytes[offset + 3] = value;
  return true;
}

/** Too long an address writes past the end, which has no effect and shows in the length. */
function readIpv6(text: string, bytes: Uint8Array): boolean {
  const zone = text.indexOf("%");
  const end = zone === -1 ? text.length : zone;
  let at = 0;
  let gap = -1;
  let i = 0;
  if (text.startsWith("::")) {
    gap = 0;
    i = 2;
  }
  while (i < end) {
    const start = i;
    let value = 0;
    for (; i < end; i++) {
      const digit = hexValue(text.charCodeAt(i));
      if (digit === -1) break;
      value = value * 16 + digit;
    }
    if (i < end && text.charCodeAt(i) === DOT) {
      if (!readIpv4(text, start, end, bytes, at)) return false;
      at += 4;
      break;
    }
    if (i === start || i - start > 4) return false;
    bytes[at++] = value >> 8;
    bytes[at++] = value & 255;
    if (i === end) break;
    if (text.charCodeAt(i++) !== COLON) return false;
    if (i < end && text.charCodeAt(i) === COLON) {
      if (gap !== -1) return false;
      gap = at;
      i++;
    } else if (i === end) return false;
  }
  if (gap === -1) return at === 16;
  if (at > 14) return false;
  bytes.copyWithin(16 - (at - gap), gap, at);
  bytes.fill(0, gap, 16 - (at - gap));
  return true;
}

const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
