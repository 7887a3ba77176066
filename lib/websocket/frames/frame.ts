/**
 * WebSocket frames as a client writes them (RFC 6455 section 5), and the close
 * codes.
 *
 * @module
 */

/** Opcodes, RFC 6455 section 5.2. */
export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** Bytes of the longest payload of a control frame (RFC 6455 section 5.5). */
export const CONTROL_LIMIT = 125;

/** Close codes (RFC 6455 section 7.4.1 and IANA's registry) that the proxy itself uses. */
export const GOING_AWAY = 1001;
export const PROTOCOL_ERROR = 1002;
export const NO_CODE = 1005;
export const VANISHED = 1006;
export const BAD_PAYLOAD = 1007;
export const POLICY_VIOLATION = 1008;
export const TOO_BIG = 1009;
export const INTERNAL_ERROR = 1011;
export const TRY_AGAIN_LATER = 1013;

/** The peer violated the protocol; `code` is what it must be closed with. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  constructor(readonly code: 1002 | 1007 | 1009, message: string) {
    super(message);
  }
}

/** How a WebSocket ended: 1005 is "no code", 1006 "no close frame". */
export interface Close {
  code: number;
  reason: string;
}

/**
 * Whether a close frame may carry a code: 1000–1003 and 1007–1014 (RFC 6455
 * section 7.4.1 and IANA's registry), 3000–4999 (section 7.4.2).
 */
function isCloseCode(code: number): boolean {
  return code >= 3000 ? code <= 4999 : code >= 1000 && code <= 1014 &&
    (code <= 1003 || code >= 1007);
}

const encoder = new TextEncoder();
// ignoreBOM: an initial byte order mark is part of the message.
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
/** What the lenient decoder puts in place of invalid UTF-8. */
const REPLACEMENT = "\ufffd";

/**
 * Decodes UTF-8.
 *
 * @throws {FrameError} 1007 where it is invalid (RFC 6455 section 8.1).
 */
export function decodeText(bytes: Uint8Array): string {
  // In Deno 2.9.6 strict decoding takes three to ten times longer.
  const text = lenient.decode(bytes);
  if (!text.includes(REPLACEMENT)) return text;
  try {
    return strict.decode(bytes);
  } catch {
    throw new FrameError(BAD_PAYLOAD, "text is not UTF-8");
  }
}

/** Bytes of a text in UTF-8, counted without a copy of it. */
export function byteLength(text: string): number {
  const scratch = new Uint8Array(Math.min(text.length * 3, 64 * 1024));
  let length = 0;
  for (let rest = text; rest !== "";) {
    const { read, written } = encoder.encodeInto(rest, scratch);
    length += written;
    rest = rest.substring(read);
  }
  return length;
}

/** Whether a close frame can carry this; 1005 stands for a frame without a code. */
export function isLegalClose({ code, reason }: Close): boolean {
  return code === NO_CODE
    ? reason === ""
    : isCloseCode(code) && encoder.encode(reason).length <= CONTROL_LIMIT - 2;
}

/**
 * The payload of a close frame.
 *
 * @param close Of which {@linkcode isLegalClose} is true.
 * @throws {RangeError} otherwise.
 */
export function closePayload(close: Close): Uint8Array {
  const { code, reason } = close;
  if (!isLegalClose(close)) {
    throw new RangeError(`no close frame can carry ${code} ${reason}`);
  }
  if (code === NO_CODE) return new Uint8Array(0);
  const words = encoder.encode(reason);
  const payload = new Uint8Array(2 + words.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  payload.set(words, 2);
  return payload;
}

/**
 * Reads the payload of a close frame.
 *
 * @throws {FrameError} for a code that may not be sent, or a reason that is not
 * UTF-8.
 */
export function parseClose(payload: Uint8Array): Close {
  const [high, low] = payload;
  if (high === undefined) return { code: NO_CODE, reason: "" };
  const code = low === undefined ? 0 : high << 8 | low;
  if (!isCloseCode(code)) {
    throw new FrameError(PROTOCOL_ERROR, `close code ${code}`);
  }
  return { code, reason: decodeText(payload.subarray(2)) };
}

/**
 * Unpredictable masking keys (RFC 6455 section 10.3), drawn in blocks since each
 * draw is a system call.
 */
export class MaskSource {
  readonly #keys = new Uint32Array(1024);
  #next = this.#keys.length;

  /** 32 random bits. */
  next(): number {
    if (this.#next === this.#keys.length) {
      crypto.getRandomValues(this.#keys);
      this.#next = 0;
    }
    return this.#keys[this.#next++] ?? 0;
  }
}

/** Bytes of the longest header of a masked frame. */
export const MAX_HEADER = 14;

/** Bytes of a masked frame's header, for a payload of `length` bytes. */
export function headerSize(length: number): 6 | 8 | 14 {
  return length <= CONTROL_LIMIT ? 6 : length <= 0xffff ? 8 : 14;
}

/**
 * Writes the header of a masked frame that is a whole message.
 *
 * @returns Where the payload begins.
 */
export function writeHeader(
  out: Uint8Array,
  at: number,
  opcode: number,
  length: number,
  mask: number,
): number {
  out[at++] = 0x80 | opcode;
  if (length <= CONTROL_LIMIT) {
    out[at++] = 0x80 | length;
  } else if (length <= 0xffff) {
    out[at++] = 0x80 | 126;
    out[at++] = length >> 8;
    out[at++] = length & 0xff;
  } else {
    out[at++] = 0x80 | 127;
    const high = Math.floor(length / 0x1_0000_0000);
    for (let shift = 24; shift >= 0; shift -= 8) out[at++] = high >>> shift;
    for (let shift = 24; shift >= 0; shift -= 8) out[at++] = length >>> shift;
  }
  for (let shift = 0; shift < 32; shift += 8) out[at++] = mask >>> shift;
  return at;
}

/**
 * Masks a payload in place (RFC 6455 section 5.3), four bytes at a time where it
 * is aligned.
 *
 * @param words The whole buffer of `bytes` as words; `bytes` begins at its start.
 * @param mask The key, first byte lowest.
 */
export function applyMask(
  bytes: Uint8Array,
  words: Uint32Array,
  start: number,
  end: number,
  mask: number,
): void {
  let key = mask;
  while ((start & 3) !== 0 && start < end) {
    bytes[start] = (bytes[start] ?? 0) ^ key;
    key = key >>> 8 | key << 24;
    start++;
  }
  const last = end >> 2;
  let word = start >> 2;
  if (word < last) {
    // All platforms of Deno are little-endian, and so is `key`.
    for (; word < last; word++) words[word] = (words[word] ?? 0) ^ key;
    start = word << 2;
  }
  for (; start < end; start++) {
    bytes[start] = (bytes[start] ?? 0) ^ key;
    key = key >>> 8 | key << 24;
  }
}
