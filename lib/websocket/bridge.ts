/**
 * One bridge: a client's WebSocket and an upstream's, joined.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";
import type {
  AccessLog,
  LoggedRequest,
  WebSocketEntry,
} from "../observe/access_log.ts";
import type { BridgeCounters } from "./counters.ts";
import {
  type ClientReceiver,
  ClientSocket,
  type Handshake,
} from "./client_socket.ts";
import {
  type Close,
  GOING_AWAY,
  INTERNAL_ERROR,
  VANISHED,
} from "./frames/frame.ts";
import { MessageLimits, TOO_SLOW } from "./limits.ts";
import type { OpenBridge, WebSocketBridges } from "./registry.ts";
import type { UpstreamReceiver, UpstreamSocket } from "./upstream_socket.ts";

/** The two sides of a bridge, and what it reports to. */
export interface BridgeParts {
  /** Not open yet, with no event dispatched. */
  client: WebSocket;
  upstream: UpstreamSocket;
  bridges: WebSocketBridges;
  location: LocationPlan;
  context: LoggedRequest;
  log: AccessLog;
  /** Null where nothing is counted. */
  counters: BridgeCounters | null;
  /** Called once, when both sides are gone. */
  ended: () => void;
}

/** How a bridge ended. */
interface End {
  code: number;
  by: WebSocketEntry["by"];
  /** Milliseconds open. */
  duration: number;
}

/**
 * The sub-protocol of Vite's hot reload. Its clients of Vite 2 to 5 reconnect
 * only after a connection that was lost: a clean close ends them for good.
 */
const VITE = "vite-hmr";

/** A connection that breaks. */
const LOST: Close = { code: VANISHED, reason: "" };

/**
 * Close codes and reasons pass as they are. A client whose upstream vanished
 * without a close frame sees a lost connection, too, as behind nginx. An upstream
 * whose client vanished gets 1001, as from a browser that leaves the page.
 *
 * A bridge has ended when both sides are gone, which each of them reports. Two
 * rules make that certain: from the first end of a side on there is a deadline,
 * after which {@linkcode sweep} abandons both; and an exception in any entry
 * point abandons both at once.
 */
export class WebSocketBridge
  implements OpenBridge, UpstreamReceiver, ClientReceiver {
  readonly #parts: BridgeParts;
  readonly #client: ClientSocket;
  readonly #limits: MessageLimits;
  readonly #fromClient = { messages: 0, bytes: 0 };
  /** When the client opened; before that, when it was upgraded. */
  #opened = performance.now();
  /** Whether the upstream is read: once the client is open. */
  #running = false;
  #upstreamGone = false;
  /** The first end is the cause; what follows are its echoes. */
  #end: End | null = null;
  /** When both sides are abandoned, by `performance.now()`. */
  #deadline = Infinity;
  #finished = false;

  constructor(parts: BridgeParts, handshake: Handshake) {
    const { client, bridges, location, counters } = parts;
    this.#parts = parts;
    this.#limits = new MessageLimits(location);
    this.#client = new ClientSocket(client, handshake, this, bridges);
    counters?.opened();
    bridges.add(this);
  }

  get ping(): number {
    return this.#parts.location.settings.websocket_ping;
  }

  get bufferSize(): number {
    return this.#parts.location.settings.websocket_buffer_size;
  }

  get waiting(): number {
    return this.#parts.upstream.bufferedAmount;
  }

  close(close: Close): void {
    const toUpstream = { code: GOING_AWAY, reason: close.reason };
    try {
      this.#closeBoth(this.#isVite ? LOST : close, toUpstream);
    } catch (error) {
      this.failed(error);
    }
  }

  abort(): void {
    const toClient = { code: GOING_AWAY, reason: "" };
    this.#abandon(VANISHED, this.#isVite ? LOST : toClient);
  }

  sweep(now: number): void {
    try {
      if (now > this.#deadline) return this.abort();
      this.#client.sweep(now, this.ping);
      if (this.#running) this.#parts.upstream.sweep(now, this.ping);
    } catch (error) {
      this.failed(error);
    }
  }

  /** A message from the upstream. */
  message(data: string | Uint8Array, size: number): Promise<void> | undefined {
    const { counters } = this.#parts;
    try {
      const wait = this.#client.send(data, size);
      if (counters !== null) {
        counters.toClient(size, data);
        if (wait !== undefined) counters.waits();
      }
      return wait;
    } catch (error) {
      this.failed(error);
    }
  }

  /** The upstream's end; its connection may linger. */
  closed(close: Close): void {
    this.#endWith(close.code, "upstream");
    this.#client.close(close);
  }

  clientOpened(): void {
    const { upstream, log, location, context } = this.#parts;
    this.#opened = performance.now();
    // Only now is read what the upstream may have sent already.
    this.#running = true;
    upstream.run(this)
      .catch((error) => this.failed(error))
      .then(() => this.#upstreamEnded());
    if (location.settings.access_log) log.webSocketOpened(context);
  }

  clientMessage(data: string | ArrayBuffer): void {
    const { upstream, bridges } = this.#parts;
    const refusal = this.#limits.refusal(data, this.waiting);
    if (refusal === null) {
      const size = upstream.send(data);
      this.#fromClient.messages++;
      this.#fromClient.bytes += size;
      this.#parts.counters?.fromClient(size, data);
      return bridges.limitWaiting();
    }
    bridges.memory.release(data);
    if (refusal === TOO_SLOW) return this.overflow();
    const { reason } = refusal;
    this.#closeBoth(refusal, { code: GOING_AWAY, reason }, true);
  }

  overflow(): void {
    try {
      this.#endWith(TOO_SLOW.code, "proxy");
      this.#client.close(TOO_SLOW, true);
      this.#parts.upstream.abort();
    } catch (error) {
      this.failed(error);
    }
  }

  clientEnded(close: Close): void {
    const { upstream } = this.#parts;
    this.#endWith(close.code, "client");
    if (!this.#running) {
      upstream.abort();
      this.#upstreamGone = true;
    } else if (close.code === VANISHED) {
      upstream.close({ code: GOING_AWAY, reason: "client connection lost" });
    } else {
      upstream.close(close);
    }
    this.#finish();
  }

  /** A bug in one bridge must not end the process, nor leave the bridge open. */
  failed(error: unknown): void {
    reportError(error);
    const close = { code: INTERNAL_ERROR, reason: "internal error" };
    this.#abandon(INTERNAL_ERROR, close);
  }

  get #isVite(): boolean {
    return this.#parts.upstream.protocol === VITE;
  }

  #upstreamEnded(): void {
    this.#upstreamGone = true;
    this.#endWith(INTERNAL_ERROR, "upstream");
    this.#finish();
  }

  /** @param inMessage Whether this is for a message of the client. */
  #closeBoth(toClient: Close, toUpstream: Close, inMessage = false): void {
    this.#endWith(toClient.code, "proxy");
    this.#client.close(toClient, inMessage);
    this.#parts.upstream.close(toUpstream);
  }

  /** Gives up both sides, whatever state they are in. */
  #abandon(code: number, toClient: Close): void {
    this.#endWith(code, "proxy");
    this.#upstreamGone = true;
    attempt(() => this.#parts.upstream.abort());
    attempt(() => this.#client.abandon(toClient));
    this.#finish();
  }

  #endWith(code: number, by: WebSocketEntry["by"]): void {
    if (this.#end !== null) return;
    const now = performance.now();
    this.#end = { code, by, duration: now - this.#opened };
    // Both sides close at the same time; then the upstream may linger.
    const { open, close, linger } = this.#parts.bridges.times;
    this.#deadline = now + close + linger + (this.#running ? 0 : open);
  }

  /** Gives back all that the bridge holds, once both sides are gone. */
  #finish(): void {
    if (this.#finished || !this.#client.gone || !this.#upstreamGone) return;
    this.#finished = true;
    const { bridges, ended, counters } = this.#parts;
    counters?.ended(this.#end?.code ?? VANISHED, this.#end?.by ?? "proxy");
    attempt(() => bridges.delete(this));
    attempt(ended);
    attempt(() => this.#log());
  }

  #log(): void {
    const { log, location, context } = this.#parts;
    if (this.#end === null || !location.settings.access_log) return;
    log.webSocketClosed({
      context,
      ...this.#end,
      fromClient: this.#fromClient,
      toClient: this.#client.sent,
    });
  }
}

/** Takes a step that must not prevent the next one. */
function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    reportError(error);
  }
}
