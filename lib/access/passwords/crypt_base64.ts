/**
 * The base 64 of crypt(3), which has another alphabet and another order than that
 * of RFC 4648.
 *
 * @module
 */

const ALPHABET =
  "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Bytes in base 64.
 *
 * @param order Indexes of bytes, three for each four letters, the most significant
 * first; null for no byte at the start of the last three.
 */
export function cryptBase64(
  bytes: Uint8Array,
  order: readonly (number | null)[],
): string {
  let text = "";
  for (let i = 0; i < order.length; i += 3) {
    const three = order.slice(i, i + 3);
    let value = 0;
    for (const index of three) {
      value = value << 8 | (index === null ? 0 : bytes[index] ?? 0);
    }
    const count = three.filter((index) => index !== null).length;
    for (let letter = 0; letter <= count; letter++) {
      text += ALPHABET.charAt(value & 0x3f);
      value >>= 6;
    }
  }
  return text;
}
