/**
 * The bytes of an IP address, read without making anything.
 *
 * @module
 */
import { hexValue } from "../../route/bytes.ts";

/**
 * Writes the bytes of an IPv4 or IPv6 address (RFC 4291 section 2.2, without
 * brackets; a zone is left out) to the front of `bytes`.
 *
 * @param bytes Room for 16.
 * @returns 4, 16, or 0 if the text is no address.
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
    // No zero in front: some read such a number as octal.
    if (digits++ > 0 && value === 0) return false;
    value = value * 10 + code - ZERO;
    if (value > 255) return false;
  }
  if (digits === 0 || count !== 3) return false;
  bytes[offset + 3] = value;
  return true;
}

/** What is too long writes past the end, where nothing is, and is seen then. */
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
