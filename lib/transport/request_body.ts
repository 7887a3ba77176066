/**
 * The body of a request on its way to an upstream: measured, timed, and sent
 * again where its beginning was lost with a server that could not be reached.
 *
 * @module
 */
import type { Settings } from "../config/plan.ts";
import type { Deadlines } from "../exchange/deadline.ts";
import { ClientClosedRequest, ClientError } from "../exchange/errors.ts";
import { BodySource } from "./body_source.ts";

/** Bytes that are kept for another server. */
const KEPT = 256 * 1024;

/** What a location says of the bodies of its requests. */
export type BodySettings = Pick<
  Settings,
  "client_body_timeout" | "client_max_body_size" | "proxy_send_timeout"
>;

/** Another server is given the body now. */
export class GivenUp extends Error {
  override readonly name = "GivenUp";
}

/** A body is read from the client when an upstream takes more of it. */
export class RequestBody {
  readonly #source: BodySource;
  /** What was read so far; null when it will not be sent again. */
  #kept: Uint8Array[] | null = [];
  /** The piece that was read last, if it is not kept. */
  #last: Uint8Array | null = null;
  /** The one read that is under way: who goes on from another one waits for it too. */
  #reading: Promise<Uint8Array | null> | null = null;
  /** Why it goes on no longer. */
  #failure: Error | null = null;
  #size = 0;
  #ended = false;
  #settled = false;
  #current: BodyReader | null = null;

  /**
   * @param body The request's.
   * @param length Its Content-Length, null if it has none.
   * @param hasLeft Whether the client is known to have left. HTTP/2 ends a body
   * that was given up like one that is whole (Deno 2.9.6).
   */
  constructor(
    body: ReadableStream<Uint8Array>,
    readonly length: number | null,
    readonly settings: BodySettings,
    readonly deadlines: Deadlines,
    readonly hasLeft: () => boolean,
  ) {
    this.#source = new BodySource(body, length);
  }

  /** Whether it can be sent from its beginning once more. */
  get replayable(): boolean {
    return this.#kept !== null && this.#size <= KEPT && !this.#settled &&
      this.#failure === null;
  }

  /**
   * Waits for its beginning: in HTTP/2 nothing else shows whether a request has
   * a body, unless it has a length (RFC 9113 section 8.1.1).
   *
   * @returns Whether there is any of it.
   * @throws What {@linkcode BodyReader.next} throws.
   */
  async begins(): Promise<boolean> {
    return await this.read().next() !== null;
  }

  /** Whether a piece may be framed in its own buffer: {@linkcode MARGIN}. */
  get hasMargins(): boolean {
    return this.#source.hasMargins;
  }

  /** Bytes that have come so far. */
  get size(): number {
    return this.#size;
  }

  /** Whether the client is to send more now. */
  get waiting(): boolean {
    return this.#reading !== null;
  }

  /**
   * Reads it from the beginning, for one server. Only while
   * {@linkcode replayable}; who has read it before gets no more.
   *
   * @param reuse Whether the reader is done with a piece when it asks for the
   * next one, so that its buffer may be read into again.
   */
  read(reuse = false): BodyReader {
    this.#current?.abandoned?.();
    return this.#current = new BodyReader(this, reuse);
  }

  /** No other server will need it: what is kept is let go as it is passed. */
  settle(): void {
    this.#settled = true;
  }

  /** Ends it: nothing more is read from the client. */
  close(): void {
    this.#kept = this.#last = null;
    this.#current?.abandoned?.();
    this.#current = null;
    if (!this.#ended) {
      this.#failure ??= new GivenUp();
      this.#source.cancel();
    }
  }

  /** @internal Whether there is no piece of this index, nor will be. */
  endsBefore(index: number): boolean {
    return this.#ended && index >= (this.#kept?.length ?? 0);
  }

  /** @internal The piece of this index; null behind the last one. */
  piece(
    index: number,
    reader: BodyReader,
  ): Promise<Uint8Array | null> | Uint8Array | null {
    this.#check(reader);
    const kept = this.#kept?.[index];
    if (kept !== undefined) return kept;
    if (this.#ended) return null;
    return this.#next(reader);
  }

  async #next(reader: BodyReader): Promise<Uint8Array | null> {
    const piece = await (this.#reading ??= this.#receive(reader.reuse));
    this.#check(reader);
    // Who reads the newest piece has had all before it.
    if (!this.replayable) this.#kept = null;
    return piece;
  }

  /** @throws Why it goes on no longer, for this reader or for all. */
  #check(reader: BodyReader): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#current !== reader) throw new GivenUp();
  }

  async #receive(reuse: boolean): Promise<Uint8Array | null> {
    const { length } = this;
    const spare = reuse ? this.#last?.buffer ?? null : null;
    this.#last = null;
    let piece: Uint8Array | null;
    try {
      // An empty piece says nothing, and would be the last chunk.
      do {
        piece = await this.#readInTime(spare as ArrayBuffer | null);
      } while (piece?.length === 0);
      if (piece === null) this.#end();
    } catch (error) {
      throw this.#failure ??= faultOf(error);
    } finally {
      this.#reading = null;
    }
    if (piece === null) return null;
    this.#size += piece.length;
    this.#checkSize();
    if (length !== null && this.#size === length) {
      this.#ended = true;
      // Deno does not end a connection whose body is left like this. To read its
      // end would do too, but takes 64 kB of memory, and 8 µs.
      this.#source.cancel();
    }
    if (this.#kept === null) this.#last = piece;
    else this.#kept.push(piece);
    return piece;
  }

  /** @throws {ClientError} where nothing comes for `client_body_timeout`. */
  async #readInTime(spare: ArrayBuffer | null): Promise<Uint8Array | null> {
    const { deadlines, settings: { client_body_timeout } } = this;
    // Promise.race would cost four promises more.
    const { promise, resolve, reject } = Promise.withResolvers<
      Uint8Array | null
    >();
    const deadline = deadlines.start(
      client_body_timeout,
      () => reject(new ClientError(408)),
    );
    this.#source.read(spare).then(resolve, reject);
    try {
      return await promise;
    } finally {
      deadlines.stop(deadline);
    }
  }

  /**
   * @throws {ClientError} 413 for a body that is too large; 400 for one that is
   * longer than its length, which the next request could hide in.
   */
  #checkSize(): void {
    const { length, settings: { client_max_body_size } } = this;
    if (length !== null) {
      // It was compared with the limit when the request was routed.
      if (this.#size > length) throw this.#failure = new ClientError(400);
      return;
    }
    if (client_max_body_size !== 0 && this.#size > client_max_body_size) {
      throw this.#failure = new ClientError(413);
    }
  }

  /** @throws {ClientClosedRequest} where it is the end of the client only. */
  #end(): void {
    const isShort = this.length !== null && this.#size < this.length;
    if (isShort || this.hasLeft()) throw new ClientClosedRequest();
    this.#ended = true;
  }
}

/**
 * Whose fault it is that a body can't be read. A client that has left shows as a
 * BadResource, one that breaks the grammar as an Error of the parser's
 * (Deno 2.9.6).
 */
function faultOf(error: unknown): Error {
  if (error instanceof ClientError || error instanceof ClientClosedRequest) {
    return error;
  }
  return error instanceof Error && error.message.startsWith("invalid HTTP")
    ? new ClientError(400)
    : new ClientClosedRequest();
}

/** Reads a body for one server. */
export class BodyReader {
  /** Called once when another server is given the body, or none any more. */
  abandoned: (() => void) | null = null;
  #index = 0;

  constructor(readonly body: RequestBody, readonly reuse: boolean) {}

  /** Whether all has been handed over. */
  get done(): boolean {
    return this.body.endsBefore(this.#index);
  }

  /**
   * The next piece; null at the end.
   *
   * @throws {ClientError} 413 for a body that is too large, 408 where the client
   * does not send it.
   * @throws {ClientClosedRequest} where it leaves meanwhile.
   * @throws {GivenUp} where another server is given the body now.
   */
  next(): Promise<Uint8Array | null> | Uint8Array | null {
    return this.body.piece(this.#index++, this);
  }
}
