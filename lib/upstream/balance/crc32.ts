/**
 * CRC-32 (ISO 3309, as in zlib and PNG), in steps.
 *
 * @module
 */

/** The state before the first byte. */
export const CRC32_START = -1;

/** The state after one more byte. */
export function crc32Byte(state: number, byte: number): number {
  return (TABLE[(state ^ byte) & 0xff] as number) ^ (state >>> 8);
}

/** The state after a byte string. */
export function crc32Bytes(state: number, bytes: string): number {
  for (let i = 0; i < bytes.length; i++) {
    state = crc32Byte(state, bytes.charCodeAt(i));
  }
  return state;
}

/** The checksum, 0 to 2^32 - 1, of all that went into the state. */
export function crc32End(state: number): number {
  return ~state >>> 0;
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  }
  return value;
});
