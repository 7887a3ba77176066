/**
 * One request on its connection.
 *
 * @module
 */
import type { Cancellable } from "../../exchange/cancellation.ts";
import type { Deadline, Deadlines } from "../../exchange/deadline.ts";
import { HeadError, UpstreamError } from "../errors.ts";
import { GivenUp } from "../request_body.ts";
import type { UpstreamRequest, UpstreamResponse } from "../transport.ts";
import { ChunkError } from "./chunked.ts";
import { type Connection, ConnectionLost } from "./connection.ts";
import type { KnownHeads } from "./known_heads.ts";
import type { ConnectionPool } from "./pool.ts";
import { type BodyOwner, readBody } from "./response_body.ts";
import type { ResponseHead } from "./response_head.ts";
import type { Rooms } from "./rooms.ts";
import { BodySender } from "./send_body.ts";

/** Interim responses before the final one; more are a fault of the server. */
const MOST_INTERIM = 32;

/** The largest status that `Response` takes. */
const MOST_STATUS = 599;

/** What all requests to one server have in common. */
export interface ServerParts {
  /** The server's, for errors. */
  readonly name: string;
  readonly pool: ConnectionPool;
  readonly deadlines: Deadlines;
  readonly known: KnownHeads;
  readonly rooms: Rooms;
}

/** A request's head, and the room that it was written into if it fits. */
export interface WrittenHead {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly room: Uint8Array<ArrayBuffer>;
}

export class Sending implements BodyOwner, Cancellable {
  /** Whether the connection ended before a byte of the response came. */
  isLost = false;
  /** Whether the connection took nothing of the request. */
  #isRefused = false;
  /** Whether it took all of it. */
  #isSent = false;
  /** Whether the response's head is there, or will never be. */
  #hasHead = false;
  #keepAlive = false;
  /** For the response's head. */
  #waiting: Deadline | null = null;

  /** @param head Its room is given back when it has been written. */
  constructor(
    readonly request: UpstreamRequest,
    readonly head: WrittenHead,
    readonly connection: Connection,
    readonly parts: ServerParts,
  ) {}

  /**
   * Sends the request, and gives the response when its head is there. Call it
   * once.
   *
   * @param now The time, by `performance.now()`.
   * @throws What {@linkcode Transport.send} throws.
   */
  async response(now: number): Promise<UpstreamResponse> {
    const { connection, request, parts: { known } } = this;
    connection.use();
    request.cancellation.listen(this);
    this.#send(now);
    try {
      for (let interim = 0; interim <= MOST_INTERIM; interim++) {
        const head = await connection.head(request.method, known);
        if (head.status >= 200) return this.#result(head);
        if (head.status === 101) return this.#upgraded(head);
      }
      throw new HeadError(`more than ${MOST_INTERIM} interim responses`);
    } catch (error) {
      const failure = this.#failureOf(error);
      connection.close();
      throw failure;
    } finally {
      this.#hasHead = true;
      if (this.#waiting !== null) this.parts.deadlines.stop(this.#waiting);
    }
  }

  /** The client has left, or the time is over. */
  cancelled(reason: Error): void {
    this.connection.close(reason);
  }

  /** The response has come whole: the connection is for the next request. */
  bodyEnded(): void {
    const { connection, parts: { pool } } = this;
    if (
      // What is still to be sent could be read as another request.
      !this.#isSent || !this.#keepAlive ||
      // Bytes behind the end nobody has asked for.
      connection.hasBegun
    ) return connection.close();
    pool.give(connection, performance.now());
  }

  /** Begins to send; what goes wrong shows in the reading of the response. */
  #send(now: number): void {
    const { request: { body }, head: { bytes, room }, parts } = this;
    if (body === null) this.#wait(now);
    const sending = body === null
      ? this.#write(bytes)
      : new BodySender(bytes, room, body, parts.deadlines, (bytes) =>
        this.#writeInTime(bytes, body.settings.proxy_send_timeout)).send();
    sending.then(() => this.#sent(), (error) => this.#unsent(error));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { connection } = this;
    let done = await connection.write(bytes);
    while (done < bytes.length) {
      done += await connection.write(bytes.subarray(done));
    }
  }

  /** As nginx's `proxy_send_timeout`, which is between two writes. */
  async #writeInTime(bytes: Uint8Array, timeout: number): Promise<void> {
    const { connection, parts: { deadlines } } = this;
    const stalled = () => this.#stalled();
    for (let done = 0; done < bytes.length;) {
      const deadline = deadlines.start(timeout, stalled);
      try {
        done += await connection.write(bytes.subarray(done));
      } finally {
        deadlines.stop(deadline);
      }
    }
  }

  /** The server takes no more. If it has answered, its answer goes on. */
  #stalled(): void {
    if (this.#hasHead) return;
    this.connection.close(new UpstreamError("timeout", this.parts.name));
  }

  #sent(): void {
    this.parts.rooms.give(this.head.room);
    this.#isSent = true;
    this.#wait(performance.now());
  }

  #unsent(error: unknown): void {
    const { connection, parts: { rooms } } = this;
    rooms.give(this.head.room);
    if (error instanceof ConnectionLost) {
      // It may have answered all the same, and the reading tells.
      this.#isRefused = connection.written === 0;
      this.#wait(performance.now());
      return;
    }
    // The body can't be had any more: the exchange is over.
    connection.close(error instanceof GivenUp ? null : asError(error));
  }

  /** The time for the response's head begins, once. All of it has to come in it. */
  #wait(now: number): void {
    if (this.#hasHead || this.#waiting !== null) return;
    const { connection, request: { timeouts }, parts } = this;
    this.#waiting = parts.deadlines.start(
      timeouts.head,
      () => connection.close(new UpstreamError("timeout", parts.name)),
      now,
    );
  }

  #upgraded({ status, statusText, fields, upgrade }: ResponseHead) {
    const { connection, request } = this;
    if (request.upgrade === null) throw new HeadError("101 was not asked for");
    if (upgrade?.toLowerCase() !== request.upgrade) {
      throw new HeadError(`its 101 is not for ${request.upgrade}`);
    }
    request.cancellation.listen(null);
    const upgraded = connection.detach();
    return { status, statusText, fields, body: null, upgraded };
  }

  #result(head: ResponseHead): UpstreamResponse {
    const { status, statusText, fields, framing, keepAlive } = head;
    const { connection, request: { cancellation, timeouts }, parts } = this;
    if (status > MOST_STATUS) {
      // `Response` takes no other.
      throw new HeadError(`the status ${status} can't be passed on`);
    }
    this.#keepAlive = keepAlive;
    const body = framing.kind === "none" ? null : readBody(framing, {
      connection,
      deadlines: parts.deadlines,
      timeout: timeouts.body,
      cancellation,
      owner: this,
    });
    if (body === null || body.whole !== null) {
      cancellation.listen(null);
      this.bodyEnded();
    }
    return { status, statusText, fields, body, upgraded: null };
  }

  /** What an error means, of this connection's. */
  #failureOf(error: unknown): Error {
    const { connection, parts: { name } } = this;
    if (connection.reason !== null) return connection.reason;
    if (error instanceof HeadError || error instanceof ChunkError) {
      const detail = error instanceof HeadError ? error.detail : error.message;
      return new UpstreamError("invalid", name, { cause: error, detail });
    }
    if (!(error instanceof ConnectionLost)) return asError(error);
    this.isLost = !connection.hasBegun;
    const sent = !this.#isRefused;
    return new UpstreamError("closed", name, { cause: error, sent });
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
