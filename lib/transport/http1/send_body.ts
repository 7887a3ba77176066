/**
 * A request with a body, as it is written.
 *
 * @module
 */
import type { Deadlines } from "../../exchange/deadline.ts";
import { MARGIN } from "../body_source.ts";
import type { BodyReader, RequestBody } from "../request_body.ts";

/**
 * Milliseconds that a head waits for the beginning of its body, so that both go
 * in one packet. It can't wait for ever: a client may send its body only when it
 * has an answer.
 */
const HEAD_DELAY = 10;

const CR = 0x0d;
const LF = 0x0a;

const encoder = new TextEncoder();
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/** Writes all of some bytes. */
export type Write = (bytes: Uint8Array) => Promise<void>;

/** Writes a head and its body, the body with the framing that it came in. */
export class BodySender {
  readonly #reader: BodyReader;
  readonly #isChunked: boolean;
  /** The writing of a head whose body does not begin in time. */
  #early: Promise<void> | null = null;

  /**
   * @param head Written from the beginning of `room`, or from elsewhere.
   * @param room Where a small body may be put behind it.
   */
  constructor(
    readonly head: Uint8Array<ArrayBuffer>,
    readonly room: Uint8Array<ArrayBuffer>,
    readonly body: RequestBody,
    readonly deadlines: Deadlines,
    readonly write: Write,
  ) {
    this.#reader = body.read(true);
    this.#isChunked = body.length === null;
  }

  /**
   * Call it once.
   *
   * @throws What reading the body throws, and what writing throws.
   */
  async send(): Promise<void> {
    const reader = this.#reader;
    let piece = await this.#first();
    if (this.#early !== null) {
      await this.#early;
    } else {
      const together = this.#joined(piece);
      await this.write(together ?? this.head);
      if (together !== null) {
        if (piece === null || this.#isDone) return;
        piece = await reader.next();
      }
    }
    while (piece !== null) {
      await this.write(this.#isChunked ? this.#framed(piece) : piece);
      if (this.#isDone) return;
      piece = await reader.next();
    }
    if (this.#isChunked) await this.write(LAST_CHUNK);
  }

  /** Whether all has been written of a body with a length. */
  get #isDone(): boolean {
    return !this.#isChunked && this.#reader.done;
  }

  /** The first piece; null for none. The head is written where it takes too long. */
  async #first(): Promise<Uint8Array | null> {
    const first = this.#reader.next();
    if (!(first instanceof Promise)) return first;
    const deadline = this.deadlines.start(HEAD_DELAY, () => {
      this.#early = this.write(this.head);
      // Awaited only when there is a piece to follow.
      this.#early.catch(() => {});
    });
    try {
      return await first;
    } finally {
      this.deadlines.stop(deadline);
    }
  }

  /** Head and first piece in one, or null where there is no room for it. */
  #joined(piece: Uint8Array | null): Uint8Array | null {
    const { head, room } = this;
    const body = piece === null
      ? this.#isChunked ? LAST_CHUNK : new Uint8Array(0)
      : this.#isChunked
      ? this.#framed(piece)
      : piece;
    const size = head.length + body.length;
    if (head.buffer !== room.buffer || size > room.length) return null;
    room.set(body, head.length);
    return room.subarray(0, size);
  }

  /**
   * A piece as a chunk (RFC 9112 section 7.1), in its own buffer if that has room
   * around it. (An empty piece would be the last chunk, and is none.)
   */
  #framed(piece: Uint8Array): Uint8Array {
    const digits = piece.length.toString(16);
    const before = digits.length + 2;
    const size = before + piece.length + 2;
    const { hasMargins } = this.body;
    const bytes = hasMargins
      ? new Uint8Array(piece.buffer, MARGIN - before, size)
      : new Uint8Array(size);
    if (!hasMargins) bytes.set(piece, before);
    for (let i = 0; i < digits.length; i++) bytes[i] = digits.charCodeAt(i);
    bytes[before - 2] = CR;
    bytes[before - 1] = LF;
    bytes[size - 2] = CR;
    bytes[size - 1] = LF;
    return bytes;
  }
}
