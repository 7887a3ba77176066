/**
 * The body of a response to a `fetch`.
 *
 * @module
 */
import type { Cancellable, Cancellation } from "../exchange/cancellation.ts";
import type { Deadline, Deadlines } from "../exchange/deadline.ts";
import { ClientClosedRequest } from "../exchange/errors.ts";
import { BodyBroken, type ResponseBody } from "./transport.ts";

/**
 * Passes through JavaScript: it is counted, breaks off where nothing comes for
 * too long or the exchange is cancelled, and so does the client's connection. A
 * body that streamed outside JavaScript would not hear of that; nor may the
 * `fetch` that it is of: Deno 2.9.6 forgets a request's signal with the first
 * full garbage collection after the response's head.
 */
export class FetchBody
  implements ResponseBody, Cancellable, UnderlyingDefaultSource<Uint8Array> {
  readonly whole = null;
  readonly stream: ReadableStream<Uint8Array>;
  size = 0;
  failure: Error | null = null;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #timeout: number;
  readonly #deadlines: Deadlines;
  readonly #cancellation: Cancellation;
  #ended = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  /**
   * @param timeout Milliseconds between two pieces; 0 is no limit. The time in
   * which the client takes nothing does not count.
   */
  constructor(
    body: ReadableStream<Uint8Array>,
    timeout: number,
    deadlines: Deadlines,
    cancellation: Cancellation,
  ) {
    this.#reader = body.getReader();
    this.#timeout = timeout;
    this.#deadlines = deadlines;
    this.#cancellation = cancellation;
    this.stream = new ReadableStream(this, { highWaterMark: 0 });
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    this.#cancellation.listen(this);
  }

  async pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    let deadline: Deadline | null = null;
    if (this.#timeout > 0) {
      deadline = this.#deadlines.start(
        this.#timeout,
        () => this.#fail(new BodyBroken("nothing came for proxy_read_timeout")),
      );
    }
    try {
      const { done, value } = await this.#reader.read();
      if (this.#ended) return;
      if (done) {
        this.#end();
        controller.close();
      } else {
        this.size += value.byteLength;
        controller.enqueue(value);
      }
    } catch (cause) {
      this.#fail(new BodyBroken("the connection was cut", { cause }));
    } finally {
      if (deadline !== null) this.#deadlines.stop(deadline);
    }
  }

  async cancel(reason?: unknown): Promise<void> {
    this.#end();
    await this.#reader.cancel(reason);
  }

  discard(): void {
    if (this.#ended) return;
    this.#end();
    this.#reader.cancel().catch(() => {});
  }

  cancelled(reason: Error): void {
    this.#fail(reason);
  }

  #fail(reason: Error): void {
    if (this.#ended) return;
    this.#end();
    this.failure = reason;
    this.#reader.cancel(reason).catch(() => {});
    // Where the client has left nobody could take the end for a whole answer,
    // and Deno lets go of this stream itself: to break it would be reported.
    if (!(reason instanceof ClientClosedRequest)) {
      this.#controller?.error(reason);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#cancellation.listen(null);
  }
}
