/**
 * The head of a request, as it is written.
 *
 * @module
 */
import type { Field } from "../../exchange/fields.ts";

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What no value of a field may hold: it is one character for each byte. */
// deno-lint-ignore no-control-regex -- they are what it must not hold.
const INVALID_VALUE = /[\x00-\x08\x0a-\x1f\x7f\u0100-\uffff]/;
/** What no target may hold: it would end the request line early. */
// deno-lint-ignore no-control-regex -- they are what it must not hold.
const INVALID_TARGET = /[\x00-\x20\x7f\u0100-\uffff]/;

const encoder = new TextEncoder();

/**
 * The text of a head, one character for each byte, its empty line included.
 *
 * @param target Begins with `/`.
 * @param fields Names in lower case; they have been checked, by the platform or
 * when the config was read.
 * @param framing Lines of this proxy's own, each with its line end.
 * @throws {TypeError} for a character that may not stand there.
 */
export function requestHead(
  method: string,
  target: string,
  fields: readonly Field[],
  framing: string,
): string {
  if (!TOKEN.test(method)) throw new TypeError("invalid method");
  if (INVALID_TARGET.test(target)) throw new TypeError("invalid target");
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (let i = 0; i < fields.length; i++) {
    const [name, value] = fields[i] as Field;
    if (INVALID_VALUE.test(value)) {
      throw new TypeError(`invalid value of ${name}`);
    }
    head += name + ": " + value + "\r\n";
  }
  return head + framing + "\r\n";
}

/**
 * Writes a byte string into `room`, or, where it does not fit, into an array of
 * its own.
 *
 * @returns The part that was written.
 */
export function encodeInto(
  text: string,
  room: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const { length } = text;
  const bytes = length <= room.length ? room : new Uint8Array(length);
  const { read, written } = encoder.encodeInto(text, bytes);
  // Where the counts differ there was a character beyond ASCII.
  if (read !== length || written !== length) {
    for (let i = 0; i < length; i++) bytes[i] = text.charCodeAt(i);
  }
  return bytes.subarray(0, length);
}
