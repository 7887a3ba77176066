/**
 * Byte strings: one character (0 to 255) for each byte. Paths are decoded to this
 * form and matched in it, as nginx matches bytes whatever their encoding.
 *
 * @module
 */

/**
 * The UTF-8 bytes of a text, one character each; the same string for ASCII. A lone
 * surrogate becomes U+FFFD, as in `TextEncoder`.
 */
export function utf8Bytes(text: string): string {
  let i = 0;
  while (i < text.length && text.charCodeAt(i) < 0x80) i++;
  if (i === text.length) return text;
  const bytes: number[] = [];
  for (const byte of new TextEncoder().encode(text)) bytes.push(byte);
  return fromCodes(bytes);
}

/**
 * A byte string decoded as UTF-8, for messages only. Invalid bytes become U+FFFD.
 */
export function readable(bytes: string): string {
  const codes = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) codes[i] = bytes.charCodeAt(i);
  return new TextDecoder().decode(codes);
}

/** The string of these character codes. */
export function fromCodes(codes: number[]): string {
  if (codes.length <= CHUNK) return String.fromCharCode(...codes);
  // A call takes a limited number of arguments, and a target can have 64 kB.
  let text = "";
  for (let i = 0; i < codes.length; i += CHUNK) {
    text += String.fromCharCode(...codes.slice(i, i + CHUNK));
  }
  return text;
}

const CHUNK = 4096;

/** The value of a hexadecimal digit, given its character code; -1 for any other code. */
export function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** `%` and two capital digits, as nginx and WHATWG write an escaped byte. */
function escapeByte(byte: number): string {
  return "%" + HEX.charAt(byte >> 4) + HEX.charAt(byte & 15);
}

const HEX = "0123456789ABCDEF";

/**
 * A set of ASCII characters, looked up by code: 1 for a member.
 *
 * @param members One character each.
 * @param controls Whether 0x00 to 0x1F and 0x7F are members too.
 */
export function asciiSet(members: string, controls: boolean): Uint8Array {
  const set = new Uint8Array(128);
  for (let i = 0; i < members.length; i++) set[members.charCodeAt(i)] = 1;
  if (controls) set.fill(1, 0, 0x20)[0x7f] = 1;
  return set;
}

/**
 * Escapes the members of `set` and all bytes beyond ASCII. Returns the same string
 * where there are none.
 */
export function escapeBytes(bytes: string, set: Uint8Array): string {
  let text = "";
  let done = 0;
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes.charCodeAt(i);
    if (code < 0x80 && set[code] === 0) continue;
    text += bytes.slice(done, i) + escapeByte(code);
    done = i + 1;
  }
  return done === 0 ? bytes : text + bytes.slice(done);
}
