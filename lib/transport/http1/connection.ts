/**
 * One connection to a server, and what is read from it.
 *
 * @module
 */
import { HeadError } from "../errors.ts";
import type { Upgraded } from "../transport.ts";
import {
  endOfHead,
  type FieldNames,
  HEAD_LIMIT,
  mayBeHead,
  parseHead,
  type ResponseHead,
} from "./response_head.ts";

/** Bytes that a connection reads into while it waits for a head. */
const BUFFER_SIZE = 16 * 1024;

/** Bytes of a request's head that need no array of their own. */
const HEAD_SIZE = 4 * 1024;

const decoder = new TextDecoder();

/** What decoding puts where there is no UTF-8. */
const REPLACEMENT = "\ufffd";

/** The connection ended before a whole head had come. */
export class EndOfHead extends Error {
  override readonly name = "EndOfHead";
}

/**
 * A connection for one exchange after the other.
 *
 * While it is idle a read is under way: so a server that closes it is noticed at
 * once, and no request is lost on it but those that cross its closing.
 */
export class Connection {
  /** Where a request's head may be written; free again when that is sent. */
  readonly headRoom = new Uint8Array(HEAD_SIZE);
  /** Exchanges that it has carried. */
  exchanges = 0;
  /** Bytes written for the exchange that it carries now. */
  written = 0;
  /** Since when it is idle, by `performance.now()`. */
  idleSince = 0;
  #buffer = new Uint8Array(BUFFER_SIZE);
  #start = 0;
  #end = 0;
  /** The read that was begun when it became idle. */
  #reading: Promise<number | null> | null = null;
  #isIdle = false;
  #isClosed = false;
  #reason: Error | null = null;

  /** @param madeAt By `performance.now()`. */
  constructor(readonly conn: Deno.Conn, readonly madeAt: number) {}

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why it was closed from this side; null where it was not, or for no reason. */
  get reason(): Error | null {
    return this.#reason;
  }

  /** Bytes read ahead; valid until the next call of any method. */
  get ahead(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Takes bytes that were read ahead. */
  take(count: number): void {
    this.#start += count;
  }

  /** Nobody uses it for now. What comes meanwhile, its end included, closes it. */
  idle(now: number): void {
    this.idleSince = now;
    this.#isIdle = true;
    this.#start = this.#end = 0;
    this.#reading = this.conn.read(this.#buffer);
    this.#reading.then(this.#unasked, this.#unasked);
  }

  readonly #unasked = (): void => {
    if (this.#isIdle) this.close();
  };

  /** An exchange begins. */
  use(): void {
    this.#isIdle = false;
    this.exchanges++;
    this.written = 0;
  }

  /** Writes all of some bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    let done = 0;
    do {
      const count = await this.conn.write(
        done === 0 ? bytes : bytes.subarray(done),
      );
      done += count;
      this.written += count;
    } while (done < bytes.length);
  }

  /**
   * Reads the next head, an interim one too.
   *
   * @param method Of the request.
   * @throws {EndOfHead} where the connection ends before.
   * @throws {HeadError} for what is no head.
   * @throws What the connection throws.
   */
  async head(method: string, names: FieldNames): Promise<ResponseHead> {
    let searched = this.#start;
    while (true) {
      const end = endOfHead(this.#buffer, searched, this.#end);
      if (end !== -1) {
        const text = byteString(this.#buffer.subarray(this.#start, end));
        this.#start = end;
        return parseHead(text, method, names);
      }
      if (!mayBeHead(this.#buffer, this.#start, this.#end)) {
        throw new HeadError(null);
      }
      if (this.#end - this.#start >= HEAD_LIMIT) {
        throw new HeadError(`its head has more than ${HEAD_LIMIT} bytes`);
      }
      const reading = this.#reading ?? this.#readMore();
      this.#reading = null;
      const count = await reading;
      if (count === null) throw new EndOfHead();
      // An empty line may have begun in what was there before.
      searched = Math.max(this.#start, this.#end - 3);
      this.#end += count;
    }
  }

  /** Whether bytes have come that belong to no head yet. */
  get hasBegun(): boolean {
    return this.#end > this.#start;
  }

  /**
   * Reads into an array of the caller's, with nothing read ahead.
   *
   * @returns How many bytes; null at the end.
   */
  read(into: Uint8Array): Promise<number | null> {
    return this.conn.read(into);
  }

  /** Gives the connection away: it is somebody else's to close. */
  detach(): Upgraded {
    this.#isClosed = true;
    return { conn: this.conn, ahead: this.ahead.slice() };
  }

  /** Closes it; what waits for it fails. @param reason Why, if that is to be told. */
  close(reason: Error | null = null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#reason = reason;
    try {
      this.conn.close();
    } catch {
      // Closed already, by an error.
    }
  }

  #readMore(): Promise<number | null> {
    if (this.#end === this.#buffer.length) {
      const held = this.#end - this.#start;
      const larger = held > this.#buffer.length / 2
        ? new Uint8Array(this.#buffer.length * 2)
        : this.#buffer;
      larger.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = larger;
      this.#start = 0;
      this.#end = held;
    }
    return this.conn.read(this.#buffer.subarray(this.#end));
  }
}

/** Bytes as a string with one character for each. */
function byteString(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // Quicker than a loop, and right for ASCII, which nearly all heads are.
  if (text.length === bytes.length && !text.includes(REPLACEMENT)) return text;
  let exact = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    exact += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return exact;
}
