/**
 * The body of a response, read from its connection as the client takes it.
 *
 * @module
 */
import type { Cancellable, Cancellation } from "../../exchange/cancellation.ts";
import type { Deadline, Deadlines } from "../../exchange/deadline.ts";
import { ClientClosedRequest } from "../../exchange/errors.ts";
import { BodyBroken, type ResponseBody } from "../transport.ts";
import { ChunkedDecoder } from "./chunked.ts";
import type { Connection } from "./connection.ts";
import type { Framing } from "./response_head.ts";

/**
 * The sizes of reads, in bytes: the next larger one after a read that was filled,
 * the first one again after one that was not filled by half. A quiet stream of
 * events is to hold little, a large file is to need few reads.
 */
const READ_SIZES = [16 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024];

const NOTHING = new Uint8Array(0);

/** Who hears of a body's end. */
export interface BodyOwner {
  /** It has come whole; the connection can be used again, as far as it goes. */
  bodyEnded(): void;
}

/** What a body is read with. */
export interface BodyParts {
  readonly connection: Connection;
  readonly framing: Exclude<Framing, { kind: "none" }>;
  readonly deadlines: Deadlines;
  /** Milliseconds between two pieces; 0 is no limit. */
  readonly timeout: number;
  readonly cancellation: Cancellation;
  readonly owner: BodyOwner;
}

/** A body that has not come whole with its head. */
export class StreamedBody
  implements ResponseBody, Cancellable, UnderlyingDefaultSource<Uint8Array> {
  readonly whole = null;
  readonly stream: ReadableStream<Uint8Array>;
  /** Bytes that were handed on. */
  size = 0;
  failure: Error | null = null;
  readonly #parts: BodyParts;
  readonly #decoder: ChunkedDecoder | null;
  /** Bytes that are still to come of a body with a length. */
  #left: number;
  #first: Uint8Array | null;
  #readSize = 0;
  #ended = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  /** @param begun What has been decoded of it, for a chunked one. */
  constructor(parts: BodyParts, begun: BegunBody) {
    this.#parts = parts;
    this.#decoder = begun.decoder;
    this.#left = begun.left;
    this.#first = begun.bytes;
    this.stream = new ReadableStream(this, { highWaterMark: 0 });
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    this.#parts.cancellation.listen(this);
  }

  async pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    const first = this.#first;
    if (first !== null) {
      this.#first = null;
      return this.#hand(controller, first);
    }
    let bytes;
    do {
      bytes = await this.#read();
      if (bytes === null) return;
    } while (bytes.length === 0 && !this.#isComplete);
    this.#hand(controller, bytes);
  }

  /** The client has left, or nobody wants it. */
  cancel(): void {
    this.#end();
    this.#parts.connection.close();
  }

  /** Ends it without its having been read. */
  discard(): void {
    if (!this.#ended) this.cancel();
  }

  get #isComplete(): boolean {
    return this.#decoder === null ? this.#left === 0 : this.#decoder.done;
  }

  #hand(
    controller: ReadableStreamDefaultController<Uint8Array>,
    bytes: Uint8Array,
  ): void {
    this.size += bytes.length;
    if (bytes.length > 0) controller.enqueue(bytes);
    if (!this.#isComplete) return;
    controller.close();
    this.#end();
    this.#parts.owner.bodyEnded();
  }

  /** The next bytes without their framing; null where there are none any more. */
  async #read(): Promise<Uint8Array | null> {
    const { connection, framing, deadlines, timeout } = this.#parts;
    const size = READ_SIZES[this.#readSize] as number;
    const buffer = new Uint8Array(
      framing.kind === "length" ? Math.min(size, this.#left) : size,
    );
    let deadline: Deadline | null = null;
    if (timeout > 0) {
      deadline = deadlines.start(
        timeout,
        () => this.#fail(new BodyBroken("nothing came for proxy_read_timeout")),
      );
    }
    let count: number | null;
    try {
      count = await connection.read(buffer);
    } catch (cause) {
      if (!this.#ended) {
        this.#fail(new BodyBroken("the connection was cut", { cause }));
      }
      return null;
    } finally {
      if (deadline !== null) deadlines.stop(deadline);
    }
    if (this.#ended) return null;
    if (count === null) {
      if (framing.kind === "close") {
        this.#left = 0;
        return new Uint8Array(0);
      }
      this.#fail(new BodyBroken("the connection ended too early"));
      return null;
    }
    this.#adapt(count, buffer.length);
    return this.#decoded(buffer.subarray(0, count));
  }

  #decoded(bytes: Uint8Array): Uint8Array | null {
    if (this.#decoder === null) {
      this.#left -= bytes.length;
      return bytes;
    }
    try {
      const count = this.#decoder.decode(bytes);
      if (this.#decoder.done && this.#decoder.end < bytes.length) {
        // What comes behind it nobody has asked for.
        this.#parts.connection.close();
      }
      return bytes.subarray(0, count);
    } catch (error) {
      this.#fail(
        new BodyBroken(error instanceof Error ? error.message : "invalid"),
      );
      return null;
    }
  }

  #adapt(count: number, length: number): void {
    if (count === length && this.#readSize < READ_SIZES.length - 1) {
      this.#readSize++;
    } else if (count < length / 2) this.#readSize = 0;
  }

  cancelled(reason: Error): void {
    this.#fail(reason);
  }

  /** Breaks it off, and with it the client's connection. */
  #fail(reason: Error): void {
    if (this.#ended) return;
    this.#end();
    this.failure = reason;
    this.#parts.connection.close(reason);
    // Where the client has left nobody could take the end for a whole answer,
    // and Deno lets go of this stream itself: to break it would be reported.
    if (!(reason instanceof ClientClosedRequest)) {
      this.#controller?.error(reason);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#parts.cancellation.listen(null);
  }
}

/** What has come of a body together with its head. */
export interface BegunBody {
  /** Without framing. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly decoder: ChunkedDecoder | null;
  /** Infinity where the body ends with its connection. */
  readonly left: number;
  readonly complete: boolean;
}

/**
 * Takes what was read ahead of a body.
 *
 * @throws {ChunkError}
 */
export function beginBody(
  connection: Connection,
  framing: Exclude<Framing, { kind: "none" }>,
): BegunBody {
  const { ahead } = connection;
  if (framing.kind === "length") {
    const count = Math.min(ahead.length, framing.length);
    const bytes = count === 0 ? null : ahead.slice(0, count);
    connection.take(count);
    const left = framing.length - count;
    return { bytes, decoder: null, left, complete: left === 0 };
  }
  const copy = ahead.length === 0 ? null : ahead.slice();
  if (framing.kind === "close") {
    connection.take(ahead.length);
    return { bytes: copy, decoder: null, left: Infinity, complete: false };
  }
  const decoder = new ChunkedDecoder();
  if (copy === null) {
    return { bytes: null, decoder, left: Infinity, complete: false };
  }
  const count = decoder.decode(copy);
  connection.take(decoder.done ? decoder.end : ahead.length);
  return {
    bytes: count === 0 && !decoder.done ? null : copy.subarray(0, count),
    decoder,
    left: Infinity,
    complete: decoder.done,
  };
}

/** A body that came together with its head. */
export class WholeBody implements ResponseBody {
  readonly whole: Uint8Array<ArrayBuffer>;
  readonly stream = null;
  readonly size: number;
  readonly failure = null;

  constructor(bytes: Uint8Array<ArrayBuffer> | null) {
    this.whole = bytes ?? NOTHING;
    this.size = this.whole.length;
  }

  discard(): void {}
}
