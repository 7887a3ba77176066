/**
 * Byte strings: one character (0 to 255) for each byte. Paths are decoded to
 * and matched in this form, as nginx matches the bytes of a path whatever their
 * encoding.
 *
 * @module
 */

/**
 * The UTF-8 bytes of a text, one character each. ASCII comes back as it is.
 * A lone surrogate becomes U+FFFD, as in `TextEncoder`.
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
 * A byte string as people read it: its UTF-8 decoded, bytes that are none shown
 * as U+FFFD. For messages only.
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

/** The value of a hexadecimal digit's character code, -1 if it is none. */
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
 * A set of ASCII characters to look up by code: 1 for a member.
 *
 * @param members Each a character.
 * @param controls Whether 0x00 to 0x1F and 0x7F are members too.
 */
export function asciiSet(members: string, controls: boolean): Uint8Array {
  const set = new Uint8Array(128);
  for (let i = 0; i < members.length; i++) set[members.charCodeAt(i)] = 1;
  if (controls) set.fill(1, 0, 0x20)[0x7f] = 1;
  return set;
}

/**
 * A byte string with the members of `set`, and all bytes beyond ASCII, escaped.
 * Comes back as it is where there is nothing to escape.
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
