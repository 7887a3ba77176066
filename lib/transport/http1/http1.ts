/**
 * Requests over connections of our own (RFC 9112): for `http://` and unix
 * sockets, and for every upgrade.
 *
 * @module
 */
import type { UpstreamAddress, UpstreamTls } from "../../config/plan.ts";
import type { Deadlines } from "../../exchange/deadline.ts";
import { IDEMPOTENT } from "../../exchange/headers.ts";
import type { Histogram } from "../../observe/metrics/histogram.ts";
import { UpstreamError } from "../errors.ts";
import type {
  Transport,
  UpstreamRequest,
  UpstreamResponse,
} from "../transport.ts";
import { Connector } from "./connect.ts";
import { Connection } from "./connection.ts";
import { KnownHeads } from "./known_heads.ts";
import { ConnectionPool, type KeepAlive } from "./pool.ts";
import { encodeHead } from "./request_head.ts";
import { Rooms } from "./rooms.ts";
import { tlsOptions } from "./tls_options.ts";
import { Sending, type ServerParts, type WrittenHead } from "./sending.ts";

/** The way to one server by connections of our own. */
export class Http1Transport implements Transport {
  readonly pool: ConnectionPool;
  readonly #connector: Connector;
  /** Whether each connection carries one request only. */
  readonly #closes: boolean;
  readonly #parts: ServerParts;
  readonly #connects: Histogram | null;

  /**
   * @param secure Whether to speak TLS.
   * @param connects Counts how long connecting takes; null for nowhere.
   * @param tls What the config says of it; null for nothing.
   */
  constructor(
    address: UpstreamAddress,
    secure: boolean,
    keepAlive: KeepAlive,
    deadlines: Deadlines,
    connects: Histogram | null = null,
    tls: UpstreamTls | null = null,
  ) {
    this.#connects = connects;
    this.pool = new ConnectionPool(keepAlive);
    this.#connector = new Connector(
      address,
      secure ? tlsOptions(address, tls) : null,
      deadlines,
    );
    this.#closes = keepAlive.keepalive === 0;
    this.#parts = {
      name: address.name,
      pool: this.pool,
      deadlines,
      known: new KnownHeads(),
      rooms: new Rooms(),
    };
  }

  async send(
    request: UpstreamRequest,
    now: number,
  ): Promise<UpstreamResponse> {
    // First of all: a head that can't be sent is to cost no connection.
    let head = this.#encode(request);
    const kept = this.pool.take(now);
    if (kept !== null) {
      const sending = new Sending(request, head, kept, this.#parts);
      try {
        return await sending.response(now);
      } catch (error) {
        // The server closed a connection that was kept, just as it was used:
        // most likely it has not read the request. An idempotent one may be
        // sent again in any case (RFC 9110 section 9.2.2).
        if (!sending.isLost || !mayRepeat(request, error)) throw error;
      }
      head = this.#encode(request);
    }
    const connection = await this.#connect(request, head);
    const sending = new Sending(request, head, connection, this.#parts);
    return await sending.response(connection.madeAt);
  }

  get idle(): number {
    return this.pool.size;
  }

  close(): void {
    this.pool.close();
    this.#connector.close();
  }

  /** @throws {TypeError} for a head that would make another request. */
  #encode(request: UpstreamRequest): WrittenHead {
    const { rooms } = this.#parts;
    const room = rooms.take();
    try {
      return { room, bytes: encodeHead(request, this.#closes, room) };
    } catch (error) {
      rooms.give(room);
      throw error;
    }
  }

  async #connect(
    { timeouts, cancellation }: UpstreamRequest,
    { room }: WrittenHead,
  ): Promise<Connection> {
    const begun = this.#connects === null ? 0 : performance.now();
    try {
      const conn = await this.#connector.connect(
        timeouts.connect,
        cancellation,
      );
      const now = performance.now();
      this.#connects?.observe(now - begun);
      return new Connection(conn, now);
    } catch (error) {
      this.#parts.rooms.give(room);
      throw error;
    }
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
