/**
 * Requests over connections of our own (RFC 9112): for `http://` and unix
 * sockets, and for every upgrade.
 *
 * @module
 */
import type { UpstreamAddress, UpstreamTls } from "../../config/plan.ts";
import type { Cancellable } from "../../exchange/cancellation.ts";
import type { Deadline, Deadlines } from "../../exchange/deadline.ts";
import { IDEMPOTENT } from "../../exchange/headers.ts";
import { HeadError, UpstreamError } from "../errors.ts";
import { GivenUp } from "../request_body.ts";
import type {
  ResponseBody,
  Transport,
  UpstreamRequest,
  UpstreamResponse,
} from "../transport.ts";
import { connect, type TlsOptions, tlsOptions } from "./connect.ts";
import { ChunkError } from "./chunked.ts";
import { Connection, EndOfHead } from "./connection.ts";
import { ConnectionPool, type KeepAlive } from "./pool.ts";
import { encodeInto, requestHead } from "./request_head.ts";
import { beginBody, type BodyOwner, StreamedBody } from "./response_body.ts";
import { FieldNames, type ResponseHead } from "./response_head.ts";
import { sendBody } from "./send_body.ts";

/** Interim responses before the final one; more are a fault of the server. */
const MOST_INTERIM = 32;

/** The largest status that `Response` takes. */
const MOST_STATUS = 599;

const NOTHING = new Uint8Array(0);

/** The way to one server by connections of our own. */
export class Http1Transport implements Transport {
  readonly pool: ConnectionPool;
  /** The names of the fields that the server has sent. */
  readonly names = new FieldNames();

  /** How TLS is spoken; null for not. */
  readonly tls: TlsOptions | null;

  /**
   * @param secure Whether to speak TLS.
   * @param tls What the config says of it; null for nothing.
   */
  constructor(
    readonly address: UpstreamAddress,
    secure: boolean,
    keepAlive: KeepAlive,
    readonly deadlines: Deadlines,
    tls: UpstreamTls | null = null,
  ) {
    this.tls = secure ? tlsOptions(address, tls) : null;
    this.pool = new ConnectionPool(keepAlive);
  }

  async send(
    request: UpstreamRequest,
    now: number,
  ): Promise<UpstreamResponse> {
    const kept = this.pool.take(now);
    if (kept !== null) {
      const sending = new Sending(request, this, kept);
      try {
        return await sending.response();
      } catch (error) {
        // The server closed a connection that was kept, just as it was used:
        // most likely it has not read the request. An idempotent one may be
        // sent again in any case (RFC 9110 section 9.2.2).
        if (!sending.isLost || !mayRepeat(request, error)) throw error;
      }
    }
    const conn = await connect(
      this.address,
      this.tls,
      request.timeouts.connect,
      this.deadlines,
      request.cancellation,
    );
    const connection = new Connection(conn, performance.now());
    return await new Sending(request, this, connection).response();
  }

  close(): void {
    this.pool.close();
  }
}

function mayRepeat(
  { method, body, cancellation }: UpstreamRequest,
  error: unknown,
): boolean {
  const isUnsent = error instanceof UpstreamError && !error.sent;
  return cancellation.reason === null && (body === null || body.replayable) &&
    (isUnsent || IDEMPOTENT.has(method));
}

/** One request on its connection. */
class Sending implements BodyOwner, Cancellable {
  /** Whether the connection ended before a byte of the response came. */
  isLost = false;
  /** Whether the connection took nothing of the request. */
  #isRefused = false;
  #isSent = false;
  #hasHead = false;
  /** Whether the response has come whole. */
  #hasEnded = false;
  #keepAlive = false;
  #waiting: Deadline | null = null;

  constructor(
    readonly request: UpstreamRequest,
    readonly transport: Http1Transport,
    readonly connection: Connection,
  ) {}

  async response(): Promise<UpstreamResponse> {
    const { connection, request } = this;
    connection.use();
    request.cancellation.listen(this);
    try {
      const { method, target, fields } = request;
      this.#send(encodeInto(
        requestHead(method, target, fields, framingOf(request)),
        connection.headRoom,
      ));
      return this.#result(await this.#head());
    } catch (error) {
      const failure = this.#failure(error);
      connection.close();
      throw failure;
    } finally {
      this.#stopWaiting();
    }
  }

  /** The client has left, or the time is over. */
  cancelled(reason: Error): void {
    this.connection.close(reason);
  }

  /** The response has come whole. */
  bodyEnded(): void {
    this.#hasEnded = true;
    this.#release();
  }

  /** Begins to send; what goes wrong shows in the reading of the response. */
  async #send(head: Uint8Array): Promise<void> {
    const { request: { body, timeouts }, connection, transport } = this;
    try {
      if (body === null) {
        await connection.write(head);
      } else {
        await sendBody(
          connection,
          head,
          body,
          transport.deadlines,
          transport.address.name,
        );
      }
    } catch (error) {
      return this.#unsent(error);
    }
    this.#isSent = true;
    if (this.#hasHead) return this.#release();
    this.#waiting = transport.deadlines.start(
      timeouts.head,
      () =>
        connection.close(new UpstreamError("timeout", transport.address.name)),
    );
  }

  /**
   * Where the server takes no more it may have answered all the same, and the
   * reading tells. Where the body can't be had any more the exchange is over.
   */
  #unsent(error: unknown): void {
    const { connection } = this;
    if (isConnectionError(error)) {
      this.#isRefused = connection.written === 0;
      return;
    }
    connection.close(error instanceof GivenUp ? null : asError(error));
  }

  /** The head of the final response. */
  async #head(): Promise<ResponseHead> {
    const { request: { method, upgrade }, connection, transport } = this;
    for (let count = 0; count <= MOST_INTERIM; count++) {
      const head = await connection.head(method, transport.names);
      if (head.status >= 200) return head;
      if (head.status !== 101) continue;
      if (upgrade !== null && head.upgrade?.toLowerCase() === upgrade) {
        return head;
      }
      throw new HeadError(
        upgrade === null
          ? "101 was not asked for"
          : `its 101 is not for ${upgrade}`,
      );
    }
    throw new HeadError(`more than ${MOST_INTERIM} interim responses`);
  }

  #result(head: ResponseHead): UpstreamResponse {
    const { status, statusText, fields, framing } = head;
    const { request, transport, connection } = this;
    if (status === 101) {
      request.cancellation.listen(null);
      const upgraded = connection.detach();
      return { status, statusText, fields, body: null, upgraded };
    }
    if (status > MOST_STATUS) {
      // `Response` takes no other.
      throw new HeadError(`the status ${status} can't be passed on`);
    }
    this.#keepAlive = head.keepAlive;
    let body: ResponseBody | null = null;
    if (framing.kind !== "none") {
      const begun = beginBody(connection, framing);
      body = begun.complete ? new WholeBody(begun.bytes) : new StreamedBody({
        connection,
        framing,
        deadlines: transport.deadlines,
        timeout: request.timeouts.body,
        cancellation: request.cancellation,
        owner: this,
      }, begun);
    }
    if (body === null || body.whole !== null) {
      request.cancellation.listen(null);
      this.bodyEnded();
    }
    return { status, statusText, fields, body, upgraded: null };
  }

  /** What an error means, of this connection's. */
  #failure(error: unknown): Error {
    const { connection, transport: { address } } = this;
    if (connection.reason !== null) return connection.reason;
    if (error instanceof HeadError || error instanceof ChunkError) {
      const detail = error instanceof HeadError ? error.detail : error.message;
      return new UpstreamError("invalid", address.name, {
        cause: error,
        detail,
      });
    }
    if (!isConnectionError(error)) return asError(error);
    this.isLost = !connection.hasBegun;
    return new UpstreamError("closed", address.name, {
      cause: error,
      sent: !this.#isRefused,
    });
  }

  /** The head is there, or will never be. */
  #stopWaiting(): void {
    this.#hasHead = true;
    if (this.#waiting === null) return;
    this.transport.deadlines.stop(this.#waiting);
    this.#waiting = null;
  }

  /** Both ways are done: the connection is for the next request. */
  #release(): void {
    if (!this.#isSent || !this.#hasEnded) return;
    const { connection, transport: { pool } } = this;
    // Bytes behind the end nobody has asked for.
    if (!this.#keepAlive || connection.hasBegun) connection.close();
    else pool.give(connection, performance.now());
  }
}

/** A body that came together with its head. */
class WholeBody implements ResponseBody {
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

/** The framing of a request's head, and what an upgrade needs. */
function framingOf({ body, upgrade }: UpstreamRequest): string {
  if (upgrade !== null) {
    return `upgrade: ${upgrade}\r\nconnection: Upgrade\r\n`;
  }
  return body !== null && body.length === null
    ? "transfer-encoding: chunked\r\n"
    : "";
}

/** Whether it is the connection's end, and no fault of what was read or written. */
function isConnectionError(error: unknown): boolean {
  return error instanceof EndOfHead || error instanceof Error &&
      // Deno's own classes; a read of a closed one is a BadResource.
      (Object.values(Deno.errors) as unknown[]).includes(error.constructor);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
