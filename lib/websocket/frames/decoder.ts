/**
 * Decodes what a WebSocket server sends (RFC 6455 section 5), as its bytes come.
 *
 * @module
 */
import { MessagePool } from "./buffers.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  CONTROL_LIMIT,
  decodeText,
  FrameError,
  PONG,
  PROTOCOL_ERROR,
  TEXT,
  TOO_BIG,
} from "./frame.ts";

/** The longest message accepted, in bytes: as that of Deno's server-side WebSocket. */
export const MAX_MESSAGE = 64 * 1024 * 1024;

/** Bytes of the read buffer of a quiet connection. */
const SMALL = 1024;
/** Bytes of the largest read buffer. */
const LARGE = 64 * 1024;
/** Reads in a row that would fit into `SMALL` before a larger buffer is released. */
const SHRINK_AFTER = 8;
/** Memory for longer payloads is allocated in steps: a length alone reserves little. */
const FIRST_STEP = 1024 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * The reader puts bytes into {@linkcode room}, says how many with
 * {@linkcode received}, and calls {@linkcode next} until it returns 0.
 *
 * A payload that is complete in the buffer is returned as a part of it. A longer
 * one is read directly into its own memory, so that none is copied twice.
 */
export class FrameDecoder {
  /** A text message. */
  text = "";
  /** The payload of anything else; valid until the next call of any method. */
  bytes: Uint8Array = NOTHING;
  /** Bytes of the payload. */
  size = 0;

  #buffer: Uint8Array;
  #start = 0;
  #end: number;
  /** An incomplete message: its fragments, or one longer than the buffer. */
  #message = NOTHING;
  /** The buffer of the message last returned. */
  #lent = NOTHING;
  #messageEnd = 0;
  /** Opcode of the message whose fragments are coming, 0 for none. */
  #fragmented = 0;
  /** Bytes of the current frame that are still to come, -1 outside a frame. */
  #missing = -1;
  #final = false;
  /** Whether the room last given was part of `#message`. */
  #direct = false;
  /** How much a larger buffer is needed: 0 to `SHRINK_AFTER`. */
  #demand = 0;
  readonly #pool: MessagePool;
  readonly #limit: number;

  /**
   * @param first Bytes received already; the decoder keeps them.
   * @param pool Of the buffers for long messages.
   * @param limit Bytes of the longest message accepted.
   */
  constructor(
    first: Uint8Array = NOTHING,
    pool: MessagePool = new MessagePool(),
    limit: number = MAX_MESSAGE,
  ) {
    this.#pool = pool;
    this.#limit = limit;
    this.#end = first.length;
    if (first.length > SMALL) {
      this.#buffer = first;
    } else {
      this.#buffer = new Uint8Array(SMALL);
      this.#buffer.set(first);
    }
  }

  /** Where the next bytes go: never empty. Invalidates the message last returned. */
  room(): Uint8Array {
    this.#release();
    // A short rest is read into the buffer, with whatever follows it.
    this.#direct = this.#missing >= this.#buffer.length / 2;
    if (this.#direct) {
      if (this.#messageEnd === this.#message.length) this.#grow(this.#missing);
      return this.#message.subarray(
        this.#messageEnd,
        this.#messageEnd + this.#missing,
      );
    }
    const rest = this.#end - this.#start;
    const length = this.#fittingLength(rest);
    if (length !== this.#buffer.length) {
      const buffer = new Uint8Array(length);
      buffer.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = buffer;
    } else if (rest > 0 && this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = rest;
    return rest === 0 ? this.#buffer : this.#buffer.subarray(rest);
  }

  /** Tells that the first `count` bytes of the room are filled. */
  received(count: number): void {
    if (this.#direct) {
      this.#messageEnd += count;
      this.#missing -= count;
      return;
    }
    this.#end += count;
    if (this.#end === this.#buffer.length) this.#demand += SHRINK_AFTER / 2;
    else if (count > SMALL) this.#demand = SHRINK_AFTER - 1;
    else if (this.#demand > 0) this.#demand--;
  }

  /**
   * The opcode of the next message or control frame, which is then in `text`
   * (for `TEXT`) or `bytes`; 0 when more bytes are needed.
   *
   * @throws {FrameError} after which the decoder must not be used.
   */
  next(): number {
    this.#release();
    while (true) {
      if (this.#missing >= 0) {
        this.#collect();
        if (this.#missing > 0) return 0;
        this.#missing = -1;
        if (!this.#final) continue;
        const opcode = this.#fragmented;
        const payload = this.#message.subarray(0, this.#messageEnd);
        this.#lent = this.#message;
        this.#message = NOTHING;
        this.#messageEnd = this.#fragmented = 0;
        return this.#deliver(opcode, payload);
      }
      const at = this.#start;
      const have = this.#end - at;
      if (have < 2) return 0;
      const first = this.#buffer[at] ?? 0;
      const code = this.#buffer[at + 1] ?? 0;
      const opcode = first & 0x0f;
      this.#check(first, code, opcode);
      const header = code < 126 ? 2 : code === 126 ? 4 : 10;
      if (have < header) return 0;
      const size = header === 2 ? code : this.#longSize(at + 2, header);
      if (opcode < CLOSE && this.#messageEnd + size > this.#limit) {
        throw new FrameError(TOO_BIG, `message of more than ${this.#limit} B`);
      }
      const final = first >= 0x80;
      const whole = opcode >= CLOSE || final && opcode !== CONTINUATION;
      if (whole && have >= header + size) {
        this.#start = at + header + size;
        return this.#deliver(
          opcode,
          this.#buffer.subarray(at + header, at + header + size),
        );
      }
      if (whole && header + size <= this.#buffer.length) return 0;
      this.#start = at + header;
      this.#missing = size;
      this.#final = final;
      if (opcode !== CONTINUATION) this.#fragmented = opcode;
    }
  }

  #release(): void {
    this.text = "";
    this.bytes = NOTHING;
    if (this.#lent === NOTHING) return;
    this.#pool.give(this.#lent);
    this.#lent = NOTHING;
  }

  #deliver(opcode: number, payload: Uint8Array): number {
    this.size = payload.length;
    if (opcode === TEXT) this.text = decodeText(payload);
    else this.bytes = payload;
    return opcode;
  }

  /** Checks a frame's first two bytes (RFC 6455 sections 5.2, 5.4 and 5.5). */
  #check(first: number, code: number, opcode: number): void {
    if ((first & 0x70) !== 0) fail("reserved bits set");
    // Section 5.1: a client must close the connection on a masked frame.
    if (code >= 0x80) fail("masked frame from a server");
    if (opcode >= CLOSE) {
      if (opcode > PONG) fail(`reserved opcode ${opcode}`);
      if (first < 0x80) fail("fragmented control frame");
      if (code > CONTROL_LIMIT) fail("control frame too long");
    } else if (opcode === CONTINUATION) {
      if (this.#fragmented === 0) fail("continuation without a message");
    } else {
      if (opcode > BINARY) fail(`reserved opcode ${opcode}`);
      if (this.#fragmented !== 0) fail("new message within a fragmented one");
    }
  }

  #longSize(at: number, header: number): number {
    const buffer = this.#buffer;
    let size = 0;
    for (let i = header === 4 ? 2 : 8; i > 0; i--) {
      size = size * 256 + (buffer[at++] ?? 0);
    }
    if (size >= 2 ** 63) fail("negative length");
    return size;
  }

  /** Moves the current frame's bytes from the buffer to its message. */
  #collect(): void {
    const count = Math.min(this.#missing, this.#end - this.#start);
    if (count === 0) return;
    if (this.#messageEnd + count > this.#message.length) {
      this.#grow(this.#missing);
    }
    this.#message.set(
      this.#buffer.subarray(this.#start, this.#start + count),
      this.#messageEnd,
    );
    this.#start += count;
    this.#messageEnd += count;
    this.#missing -= count;
  }

  /**
   * Makes room in `#message` for `more` bytes, or at least for those in the
   * buffer. It grows to four times its size, so that all copying together is a
   * third of the message.
   */
  #grow(more: number): void {
    const whole = this.#messageEnd + more;
    const step = Math.max(
      FIRST_STEP,
      this.#messageEnd * 4,
      this.#messageEnd + this.#buffer.length,
    );
    // More fragments may follow: doubling keeps the copying linear.
    const wanted = this.#final ? whole : Math.max(whole, this.#messageEnd * 2);
    const message = this.#pool.take(Math.min(wanted, step));
    message.set(this.#message.subarray(0, this.#messageEnd));
    if (this.#message !== NOTHING) this.#pool.give(this.#message);
    this.#message = message;
  }

  /** The buffer length that suits the recent reads. */
  #fittingLength(rest: number): number {
    const { length } = this.#buffer;
    if (this.#demand >= SHRINK_AFTER) {
      // It was filled twice: larger reads save system calls.
      this.#demand = SHRINK_AFTER / 2;
      return Math.max(length, Math.min(length * 4, LARGE));
    }
    return this.#demand === 0 && rest === 0 ? SMALL : length;
  }
}

function fail(message: string): never {
  throw new FrameError(PROTOCOL_ERROR, message);
}
