/**
 * The body of a response, read from its connection as the client takes it.
 *
 * @module
 */
import type { Cancellable, Cancellation } from "../../exchange/cancellation.ts";
import type { Deadline, Deadlines } from "../../exchange/deadline.ts";
import { ClientClosedRequest } from "../../exchange/errors.ts";
import { BodyBroken, type ResponseBody } from "../transport.ts";
import { ChunkedDecoder, ChunkError } from "./chunked.ts";
import type { Connection } from "./connection.ts";
import type { Framing } from "./response_head.ts";

/**
 * The sizes of reads, in bytes: the next larger one after a read that was filled,
 * the first one after one that was not filled by half. A quiet stream of events
 * is to hold little, a large file is to need few reads.
 */
const READ_SIZES = [4, 16, 64, 256, 512].map((kibibytes) => kibibytes * 1024);
/**
 * Where a body begins whose length is not known, and one whose length is, of
 * which no more is read than is left.
 */
const UNKNOWN = 1;
const KNOWN = 3;

/** From so many bytes on a buffer is freed when it has been handed on. */
const FREED = 16 * 1024;

/** Who hears of a body's end. */
export interface BodyOwner {
  /** It has come whole; the connection can be used again, as far as it goes. */
  bodyEnded(): void;
}

/** What a body is read with. */
export interface BodyParts {
  readonly connection: Connection;
  readonly deadlines: Deadlines;
  /** Milliseconds between two pieces; 0 is no limit. */
  readonly timeout: number;
  readonly cancellation: Cancellation;
  /** Hears of the end of a stream; that of a whole body is here at once. */
  readonly owner: BodyOwner;
}

/** The framing of a body that there is. */
type BodyFraming = Exclude<Framing, { kind: "none" }>;

/**
 * The body behind a head: whole, if it came together with it.
 *
 * @throws {ChunkError}
 */
export function readBody(
  framing: BodyFraming,
  parts: BodyParts,
): ResponseBody {
  if (framing.kind === "chunked") return readChunked(parts);
  const { connection } = parts;
  const length = framing.kind === "length" ? framing.length : Infinity;
  const left = length - connection.ahead;
  if (left > 0) {
    // Not a copy: of 100 kB, new memory was a fifth of the cost.
    const bytes = connection.takeAll();
    return new StreamedBody(parts, { bytes, decoder: null, left });
  }
  const whole = copyOf(connection.held.subarray(0, length));
  connection.skip(length);
  return new WholeBody(whole);
}

/** @throws {ChunkError} */
function readChunked(parts: BodyParts): ResponseBody {
  const { connection } = parts;
  const decoder = new ChunkedDecoder();
  const count = decoder.decode(connection.held);
  if (!decoder.done) {
    const bytes = connection.takeAll().subarray(0, count);
    return new StreamedBody(parts, { bytes, decoder, left: Infinity });
  }
  const whole = copyOf(connection.held.subarray(0, count));
  connection.skip(decoder.end);
  return new WholeBody(whole);
}

function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // A slice() of a few bytes costs twice as much.
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}

/** A body that came together with its head. */
class WholeBody implements ResponseBody {
  readonly stream = null;
  readonly size: number;
  readonly failure = null;

  constructor(readonly whole: Uint8Array<ArrayBuffer>) {
    this.size = whole.length;
  }

  discard(): void {}
}

/** What has come of a body together with its head. */
interface BegunBody {
  /** Without framing. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of a chunked one. */
  readonly decoder: ChunkedDecoder | null;
  /** Bytes that are still to come; Infinity where nothing tells. */
  readonly left: number;
}

/** A body that has not come whole with its head. */
class StreamedBody
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
  /** What came together with the head. */
  #first: Uint8Array<ArrayBuffer> | null;
  /** The piece that was handed on last. */
  #handed: Uint8Array<ArrayBuffer> | null = null;
  #readSize: number;
  #isComplete = false;
  #ended = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(parts: BodyParts, { bytes, decoder, left }: BegunBody) {
    this.#parts = parts;
    this.#decoder = decoder;
    this.#left = left;
    this.#readSize = left === Infinity ? UNKNOWN : KNOWN;
    this.#first = bytes.length === 0 ? null : bytes;
    this.stream = new ReadableStream(this, { highWaterMark: 0 });
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    this.#parts.cancellation.listen(this);
  }

  async pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    this.#free();
    if (this.#isComplete) return controller.close();
    let bytes = this.#first;
    this.#first = null;
    while (bytes === null || bytes.length === 0 && !this.#isComplete) {
      bytes = await this.#read();
      if (this.#ended) return;
    }
    this.#handed = bytes;
    this.size += bytes.length;
    if (bytes.length > 0) controller.enqueue(bytes);
    if (!this.#isComplete) return;
    this.#end();
    this.#parts.owner.bodyEnded();
    // Else with the next pull, by which the last piece can be freed.
    if (bytes.length === 0) controller.close();
  }

  /** The client has left, or nobody wants it. */
  cancel(): void {
    this.#free();
    if (this.#ended) return;
    this.#end();
    this.#parts.connection.close();
  }

  /** Ends it without its having been read. */
  discard(): void {
    this.cancel();
  }

  cancelled(reason: Error): void {
    this.#fail(reason);
  }

  /**
   * Frees a buffer whose bytes are the platform's by now, which keeps its memory
   * until it has written them. Left to the garbage collection, 10 MB cost a
   * third more, and what waits for it is 40 MiB.
   */
  #free(): void {
    const handed = this.#handed;
    this.#handed = null;
    if (handed !== null && handed.buffer.byteLength >= FREED) {
      handed.buffer.transfer(0);
    }
  }

  /** The next bytes without their framing; of no use where it has ended by then. */
  async #read(): Promise<Uint8Array<ArrayBuffer>> {
    const { connection, deadlines, timeout } = this.#parts;
    const size = READ_SIZES[this.#readSize] as number;
    const buffer = new Uint8Array(Math.min(size, this.#left));
    let deadline: Deadline | null = null;
    if (timeout > 0) {
      deadline = deadlines.start(
        timeout,
        () => this.#fail(new BodyBroken("nothing came for proxy_read_timeout")),
      );
    }
    try {
      const count = await connection.read(buffer);
      if (this.#ended) return buffer;
      if (count === null) return this.#atEnd();
      this.#adapt(count, buffer.length);
      return this.#decoded(buffer.subarray(0, count));
    } catch (cause) {
      this.#fail(brokenBy(cause, connection.reason));
      return buffer;
    } finally {
      if (deadline !== null) deadlines.stop(deadline);
    }
  }

  /** The connection has ended. */
  #atEnd(): Uint8Array<ArrayBuffer> {
    const endsSo = this.#decoder === null && this.#left === Infinity;
    if (!endsSo) throw new BodyBroken("the connection ended too early");
    this.#isComplete = true;
    return new Uint8Array(0);
  }

  /** @throws {ChunkError} */
  #decoded(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const decoder = this.#decoder;
    if (decoder === null) {
      this.#left -= bytes.length;
      this.#isComplete = this.#left === 0;
      return bytes;
    }
    const count = decoder.decode(bytes);
    this.#isComplete = decoder.done;
    if (decoder.done && decoder.end < bytes.length) {
      // What comes behind it nobody has asked for.
      this.#parts.connection.close();
    }
    return bytes.subarray(0, count);
  }

  #adapt(count: number, length: number): void {
    if (count === length && this.#readSize < READ_SIZES.length - 1) {
      this.#readSize++;
    } else if (count < length / 2) this.#readSize = 0;
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

/**
 * Why a body broke off.
 *
 * @param reason Why its connection was closed from this side.
 */
function brokenBy(cause: unknown, reason: Error | null): BodyBroken {
  if (cause instanceof BodyBroken) return cause;
  if (cause instanceof ChunkError) {
    return new BodyBroken(cause.message, { cause });
  }
  return reason === null
    ? new BodyBroken("the connection was cut", { cause })
    : new BodyBroken("the client's request broke off", { cause: reason });
}
