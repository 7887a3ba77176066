/**
 * One connection to a server, and what is read from it.
 *
 * @module
 */
import { HeadError } from "../errors.ts";
import type { Upgraded } from "../transport.ts";
import type { KnownHeads } from "./known_heads.ts";
import {
  endOfHead,
  HEAD_LIMIT,
  mayBeHead,
  type ResponseHead,
} from "./response_head.ts";

/** Bytes that a connection reads into while it waits for a head. */
const BUFFER_SIZE = 16 * 1024;

const NO_BUFFER = new Uint8Array(0);

const decoder = new TextDecoder();

/** What decoding puts where there is no UTF-8. */
const REPLACEMENT = "\ufffd";

/** The connection failed, or ended before a whole head had come. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/**
 * A connection for one exchange after the other.
 *
 * While it is idle a read is under way: so a server that closes it is noticed at
 * once, and no request is lost on it but those that cross its closing.
 */
export class Connection {
  /** Exchanges that it has carried. */
  exchanges = 0;
  /** Bytes written for the exchange that it carries now. */
  written = 0;
  /** Since when it is idle, by `performance.now()`. */
  idleSince = 0;
  #buffer: Uint8Array<ArrayBuffer> = NO_BUFFER;
  #start = 0;
  #end = 0;
  /** The read that was begun when it became idle. */
  #reading: Promise<number | null> | null = null;
  /** Hears of its end while it is idle; null while it is used. */
  #lost: ((connection: Connection) => void) | null = null;
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

  /** Whether bytes have come that nothing has taken. */
  get hasBegun(): boolean {
    return this.#end > this.#start;
  }

  /** How many bytes were read ahead. */
  get ahead(): number {
    return this.#end - this.#start;
  }

  /** The bytes that were read ahead, where they are: to be written to, not kept. */
  get held(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** So many of the bytes that were read ahead are done with. */
  skip(count: number): void {
    this.#start += count;
  }

  /** Gives away all that was read ahead, with the memory that it is in. */
  takeAll(): Uint8Array<ArrayBuffer> {
    const bytes = this.held;
    this.dropBuffer();
    return bytes;
  }

  /** Holds no memory until it waits for a head again. What is ahead is dropped. */
  dropBuffer(): void {
    this.#buffer = NO_BUFFER;
    this.#start = this.#end = 0;
  }

  /**
   * Nobody uses it for now. What comes meanwhile, its end included, closes it.
   *
   * @param lost Hears of that.
   */
  idle(now: number, lost: (connection: Connection) => void): void {
    this.idleSince = now;
    this.#lost = lost;
    this.#start = this.#end = 0;
    // A long head may have made it larger.
    if (this.#buffer.length !== BUFFER_SIZE) {
      this.#buffer = new Uint8Array(BUFFER_SIZE);
    }
    this.#reading = this.conn.read(this.#buffer);
    this.#reading.then(this.#unasked, this.#unasked);
  }

  readonly #unasked = (): void => {
    if (this.#lost === null) return;
    this.#lost(this);
    this.close();
  };

  /** An exchange begins. */
  use(): void {
    this.#lost = null;
    this.exchanges++;
    this.written = 0;
  }

  /**
   * Writes some bytes.
   *
   * @returns How many, at least one.
   * @throws {ConnectionLost}
   */
  async write(bytes: Uint8Array): Promise<number> {
    try {
      const count = await this.conn.write(bytes);
      this.written += count;
      return count;
    } catch (cause) {
      throw new ConnectionLost("it takes no more", { cause });
    }
  }

  /**
   * Reads the next head, an interim one too.
   *
   * @param method Of the request.
   * @param known What the server has sent before.
   * @throws {ConnectionLost} where the connection ends before.
   * @throws {HeadError} for what is no head.
   */
  async head(method: string, known: KnownHeads): Promise<ResponseHead> {
    let searched = this.#start;
    while (true) {
      if (searched === this.#start) {
        const again = known.again(this.#buffer, searched, this.#end, method);
        if (again !== null) {
          this.#start += again.text.length;
          return again.read;
        }
      }
      const end = endOfHead(this.#buffer, searched, this.#end);
      if (end - this.#start > HEAD_LIMIT) throw tooLong();
      if (end !== -1) {
        const text = byteString(this.#buffer.subarray(this.#start, end));
        this.#start = end;
        return known.read(text, method);
      }
      if (!mayBeHead(this.#buffer, this.#start, this.#end)) {
        throw new HeadError(null);
      }
      if (this.#end - this.#start >= HEAD_LIMIT) throw tooLong();
      // An empty line may have begun in what is there.
      const before = Math.min(3, this.#end - this.#start);
      const reading = this.#reading ?? this.#readMore();
      this.#reading = null;
      let count: number | null;
      try {
        count = await reading;
      } catch (cause) {
        throw new ConnectionLost("it was cut", { cause });
      }
      if (count === null) throw new ConnectionLost("it ended");
      searched = this.#end - before;
      this.#end += count;
    }
  }

  /**
   * Reads into an array of the caller's, with nothing read ahead.
   *
   * @returns How many bytes; null at the end.
   * @throws What the connection throws.
   */
  read(into: Uint8Array): Promise<number | null> {
    return this.conn.read(into);
  }

  /** Gives the connection away: it is somebody else's to close. */
  detach(): Upgraded {
    this.#isClosed = true;
    // A copy, and so without the memory for heads.
    const ahead = this.held.slice();
    this.dropBuffer();
    return { conn: this.conn, ahead };
  }

  /** Closes it; what waits for it fails. @param reason Why, if that is to be told. */
  close(reason: Error | null = null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lost = null;
    this.#reason = reason;
    try {
      this.conn.close();
    } catch {
      // Closed already, by an error.
    }
  }

  /** Reads behind what is there, after making room where there is none. */
  #readMore(): Promise<number | null> {
    const { length } = this.#buffer;
    if (this.#end === length) {
      const held = this.#buffer.subarray(this.#start, this.#end);
      const isCrowded = held.length > length / 2 || length === 0;
      const roomy = isCrowded
        ? new Uint8Array(Math.max(BUFFER_SIZE, 2 * length))
        : this.#buffer;
      roomy.set(held);
      this.#buffer = roomy;
      this.#start = 0;
      this.#end = held.length;
    }
    return this.conn.read(this.#buffer.subarray(this.#end));
  }
}

function tooLong(): HeadError {
  return new HeadError(`its head has more than ${HEAD_LIMIT} bytes`);
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
