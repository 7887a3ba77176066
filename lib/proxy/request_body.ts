/**
 * The body of a request on its way to an upstream: measured, timed, and sent
 * again where its beginning was lost with a server that could not be reached.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";
import type { Deadline, Deadlines } from "./deadline.ts";

/**
 * Why a body goes on no longer: larger than the location's
 * `client_max_body_size`, the client does not send it, the upstream does not
 * take it.
 */
export type BodyFailure = "too large" | "not received" | "not taken";

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
  #kept: Uint8Array[] | null = [];
  #size = 0;
  #ended = false;
  #settled = false;
  #deadline: Deadline | null = null;
  #listener: BodyListener | null = null;

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
    return this.#kept !== null && !this.#settled;
  }

  /** What to give to `fetch`, from the beginning. Only while {@linkcode replayable}. */
  send(listener: BodyListener): BodyInit {
    this.#listener = listener;
    let next = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        // A server that was given up may pull once more.
        if (this.#listener !== listener) throw new Error("given up");
        this.#stop();
        const piece = this.#kept?.[next] ?? await this.#read();
        next++;
        if (piece !== null) controller.enqueue(piece);
        if (this.#kept !== null && next >= this.#kept.length) {
          if (this.#settled) this.#kept = null;
        }
        if (this.#ended && next >= (this.#kept?.length ?? 0)) {
          controller.close();
          listener.sent();
        } else {
          this.#watch(this.location.proxySendTimeout, "not taken");
        }
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
    this.#stop();
    this.#listener = null;
    this.#kept = null;
    if (!this.#ended) this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<Uint8Array | null> {
    this.#watch(this.location.clientBodyTimeout, "not received");
    const { done, value } = await this.#reader.read();
    this.#stop();
    if (done) {
      this.#ended = true;
      return null;
    }
    this.#size += value.byteLength;
    const limit = this.location.clientMaxBodySize;
    // A length was compared when the request was admitted.
    if (limit !== 0 && this.#length === null && this.#size > limit) {
      this.#listener?.failed("too large");
      throw new Error("too large");
    }
    if (this.#length !== null && this.#size >= this.#length) {
      this.#ended = true;
      // Deno does not end a connection whose body nobody has seen the end of.
      this.#reader.read().catch(() => {});
    }
    if (this.#kept !== null) {
      if (this.#size > KEPT) this.#kept = null;
      else this.#kept.push(value);
    }
    return value;
  }

  #watch(timeout: number, reason: BodyFailure): void {
    this.#deadline = this.deadlines.start(
      timeout,
      () => this.#listener?.failed(reason),
    );
  }

  #stop(): void {
    if (this.#deadline !== null) this.deadlines.stop(this.#deadline);
    this.#deadline = null;
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
