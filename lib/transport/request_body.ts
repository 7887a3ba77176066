/**
 * The body of a request on its way to an upstream: measured, timed, and sent
 * again where its beginning was lost with a server that could not be reached.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";
import type { Deadline, Deadlines } from "../exchange/deadline.ts";

/**
 * Why a body goes on no longer: larger than the location's
 * `client_max_body_size`, the client does not send it, the client has left in
 * the middle of it, the upstream does not take it.
 */
export type BodyFailure =
  | "too large"
  | "not received"
  | "broken off"
  | "not taken";

/** Bytes that are kept for another server. The platform reads some ahead of a connection. */
const KEPT = 256 * 1024;

/** Who hears how the sending goes. */
export interface BodyListener {
  /** All has been handed over. */
  sent(): void;
  /** It goes on no longer. */
  failed(reason: BodyFailure): void;
}

/**
 * Streams with backpressure: a piece is read from the client when the upstream
 * takes one.
 */
export class RequestBody {
  readonly #length: number | null;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What was read so far; null when it will not be sent again. */
  #kept: Uint8Array[] | null = [];
  /** The one read that is under way: who goes on from another one waits for it too. */
  #reading: Promise<Uint8Array | null> | null = null;
  #size = 0;
  #ended = false;
  #settled = false;
  #receiving: Deadline | null = null;
  #taking: Deadline | null = null;
  #listener: BodyListener | null = null;
  /** Of the stream that a server is given. */
  #sink: ReadableStreamDefaultController<Uint8Array> | null = null;

  /**
   * @param body The request's.
   * @param length Its Content-Length, null if it has none.
   */
  constructor(
    body: ReadableStream<Uint8Array>,
    length: number | null,
    readonly location: LocationPlan,
    readonly deadlines: Deadlines,
  ) {
    this.#length = length;
    this.#reader = body.getReader();
  }

  /** Whether it can be sent from its beginning once more. */
  get replayable(): boolean {
    return this.#kept !== null && this.#size <= KEPT && !this.#settled;
  }

  /** Whether the client is to send more now. */
  get waiting(): boolean {
    return this.#receiving !== null;
  }

  /** What to give to `fetch`, from the beginning. Only while {@linkcode replayable}. */
  send(listener: BodyListener): BodyInit {
    this.#listener = listener;
    this.#taking = this.#stop(this.#taking);
    this.#giveUp();
    let next = 0;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#sink = controller;
      },
      pull: async (controller) => {
        this.#heardBy(listener);
        this.#taking = this.#stop(this.#taking);
        const piece = this.#kept?.[next] ?? await this.#next();
        this.#heardBy(listener);
        next++;
        if (piece !== null) controller.enqueue(piece);
        if (next >= (this.#kept?.length ?? 0)) {
          if (!this.replayable) this.#kept = null;
          if (this.#ended) {
            controller.close();
            this.#sink = null;
            listener.sent();
            return;
          }
        }
        this.#taking = this.#start(
          this.location.settings.proxy_send_timeout,
          "not taken",
        );
      },
    }, { highWaterMark: 0 });
    return this.#length === null ? stream : new Measured(stream, this.#length);
  }

  /** No other server will need it: what is kept is let go. */
  settle(): void {
    this.#settled = true;
  }

  /** Stops the clock; nothing is told any more. */
  close(): void {
    this.#receiving = this.#stop(this.#receiving);
    this.#taking = this.#stop(this.#taking);
    this.#listener = null;
    this.#kept = null;
    this.#giveUp();
    if (!this.#ended) this.#reader.cancel().catch(() => {});
  }

  /** A connection whose body never ends would stay open for ever. */
  #giveUp(): void {
    this.#sink?.error(new Error("given up"));
    this.#sink = null;
  }

  /** @throws {Error} A server that was given up asks for more. */
  #heardBy(listener: BodyListener): void {
    if (this.#listener !== listener) throw new Error("given up");
  }

  /** The next piece of the client's, null at the end. */
  #next(): Promise<Uint8Array | null> | null {
    return this.#ended ? null : this.#reading ??= this.#read();
  }

  async #read(): Promise<Uint8Array | null> {
    const {
      client_body_timeout: clientBodyTimeout,
      client_max_body_size: clientMaxBodySize,
    } = this.location.settings;
    this.#receiving = this.#start(clientBodyTimeout, "not received");
    let result;
    try {
      result = await this.#reader.read();
    } catch (error) {
      this.#listener?.failed("broken off");
      throw error;
    } finally {
      this.#receiving = this.#stop(this.#receiving);
      this.#reading = null;
    }
    const { done, value } = result;
    if (done) {
      this.#ended = true;
      return null;
    }
    this.#size += value.byteLength;
    // A length was compared when the request was admitted.
    if (
      clientMaxBodySize !== 0 && this.#length === null &&
      this.#size > clientMaxBodySize
    ) {
      this.#listener?.failed("too large");
      throw new Error("too large");
    }
    if (this.#length !== null && this.#size >= this.#length) {
      this.#ended = true;
      // Deno does not end a connection whose body is left like this. To read its
      // end would do too, but takes 64 kB of memory, and 8 µs.
      this.#reader.cancel().catch(() => {});
    }
    this.#kept?.push(value);
    return value;
  }

  #start(timeout: number, reason: BodyFailure): Deadline {
    return this.deadlines.start(
      timeout,
      () => this.#listener?.failed(reason),
    );
  }

  #stop(deadline: Deadline | null): null {
    if (deadline !== null) this.deadlines.stop(deadline);
    return null;
  }
}

/**
 * A stream of a known length. `fetch` sends a stream chunked and drops the
 * Content-Length that is given beside it, but takes a Blob's size for one, and
 * streams it: a server that can't read chunked bodies (WSGI) is not given one
 * for a request that was none.
 */
class Measured extends Blob {
  readonly #stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #length: number;

  constructor(stream: ReadableStream<Uint8Array>, length: number) {
    super();
    this.#stream = stream as ReadableStream<Uint8Array<ArrayBuffer>>;
    this.#length = length;
  }

  override get size(): number {
    return this.#length;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream;
  }
}
