/**
 * The body of a request on its way to an upstream: measured, timed, and sent
 * again where its beginning was lost with a server that could not be reached.
 *
 * @module
 */
import type { Settings } from "../config/plan.ts";
import type { Deadlines } from "../exchange/deadline.ts";
import { ClientClosedRequest, ClientError } from "../exchange/errors.ts";

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
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What was read so far; null when it will not be sent again. */
  #kept: Uint8Array[] | null = [];
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
    this.#reader = body.getReader();
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

  /** Whether the client is to send more now. */
  get waiting(): boolean {
    return this.#reading !== null;
  }

  /**
   * Reads it from the beginning, for one server. Only while
   * {@linkcode replayable}; who has read it before gets no more.
   */
  read(): BodyReader {
    this.#current?.abandoned?.();
    return this.#current = new BodyReader(this);
  }

  /** No other server will need it: what is kept is let go as it is passed. */
  settle(): void {
    this.#settled = true;
  }

  /** Ends it: nothing more is read from the client. */
  close(): void {
    this.#kept = null;
    this.#current?.abandoned?.();
    this.#current = null;
    if (!this.#ended) {
      this.#failure ??= new GivenUp();
      this.#reader.cancel().catch(() => {});
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
    const piece = await (this.#reading ??= this.#receive());
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

  async #receive(): Promise<Uint8Array | null> {
    const { client_body_timeout, client_max_body_size } = this.settings;
    const { deadlines, length } = this;
    const late = Promise.withResolvers<never>();
    const deadline = deadlines.start(
      client_body_timeout,
      () => late.reject(new ClientError(408)),
    );
    let value: Uint8Array | undefined;
    try {
      // An empty piece says nothing, and would be the last chunk.
      do {
        const reading = this.#reader.read();
        ({ value } = await Promise.race([reading, late.promise]));
      } while (value?.byteLength === 0);
      if (value === undefined) this.#end();
    } catch (error) {
      throw this.#failure ??= faultOf(error);
    } finally {
      deadlines.stop(deadline);
      this.#reading = null;
    }
    if (value === undefined) return null;
    this.#size += value.byteLength;
    // A length was compared when the request was routed.
    if (
      client_max_body_size !== 0 && length === null &&
      this.#size > client_max_body_size
    ) throw this.#failure = new ClientError(413);
    if (length !== null && this.#size >= length) {
      this.#ended = true;
      // Deno does not end a connection whose body is left like this. To read its
      // end would do too, but takes 64 kB of memory, and 8 µs.
      this.#reader.cancel().catch(() => {});
    }
    this.#kept?.push(value);
    return value;
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

  constructor(readonly body: RequestBody) {}

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
