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
import type { WebSocketBridges } from "./registry.ts";
import { ClientFlow } from "./flow.ts";
import {
  type Close,
  GOING_AWAY,
  INTERNAL_ERROR,
  isCloseCode,
  NO_CODE,
  TRY_AGAIN_LATER,
  VANISHED,
} from "./frames/frame.ts";
import { MessageLimits } from "./limits.ts";
import type { UpstreamReceiver, UpstreamSocket } from "./upstream_socket.ts";

/** Who joins a bridge's two sides, and who hears of it. */
export interface BridgeParts {
  /** Not open yet; no event of it has been dispatched. */
  client: WebSocket;
  upstream: UpstreamSocket;
  bridges: WebSocketBridges;
  location: LocationPlan;
  context: LoggedRequest;
  log: AccessLog;
  /** Called once, when both sides are gone. */
  ended: () => void;
}

/** Who tells of a client that leaves. */
export interface Handshake {
  readonly signal: AbortSignal;
  /** To be called when the signal is of no use any more. */
  readonly settled: () => void;
}

/**
 * How an end is told to the other side: codes and reasons pass as they are. A
 * client whose upstream vanished gets 1011: 1014 ("bad gateway") says it better,
 * but several clients (Deno's, gorilla's) take that code for a protocol error.
 * An upstream whose client vanished gets 1001, as from a browser that leaves
 * the page.
 */
export class WebSocketBridge implements UpstreamReceiver, EventListenerObject {
  readonly #parts: BridgeParts;
  #handshake: Handshake | null;
  readonly #fromClient = { messages: 0, bytes: 0 };
  /** When the client opened; before that, when it was upgraded. */
  #opened = performance.now();
  #started = false;
  #end: { code: number; by: WebSocketEntry["by"] } | null = null;
  #logged = false;
  #deleted = false;
  readonly #limits: MessageLimits;
  /** What the client is closed with as soon as it is open. */
  #closeAtOpen: Close | null = null;
  #clientClosing = false;
  #clientDone = false;
  #upstreamClosed = false;
  /** Whether the upstream's connection is gone too. */
  #upstreamGone = false;
  /** When the client has to have opened or closed. */
  #deadline: number;
  readonly #toClient = new ClientFlow(this.#opened);

  /**
   * @param handshake Until the client is open: Deno 2.9.6 may dispatch no event
   * if it leaves before.
   */
  constructor(parts: BridgeParts, handshake: Handshake) {
    this.#parts = parts;
    this.#limits = new MessageLimits(parts.location);
    this.#deadline = this.#opened + parts.bridges.timeouts.open;
    this.#handshake = handshake;
    handshake.signal.addEventListener("abort", this);
    // One object for all events: an idle bridge is to be small.
    for (const type of ["open", "message", "close", "error"]) {
      parts.client.addEventListener(type, this);
    }
    parts.bridges.add(this);
  }

  /** The client's events. */
  handleEvent(event: Event): void {
    switch (event.type) {
      case "message":
        return this.#forward((event as MessageEvent).data);
      case "open":
        return this.#clientOpened();
      case "close":
        return this.#clientClosed(event as CloseEvent);
      case "error":
      case "abort":
        // No "close" follows if the client left before it was open.
        if (!this.#started) this.#clientLost();
    }
  }

  /**
   * Closes both sides for a reason of the proxy's own. The upstream gets 1001.
   *
   * @param close With a legal code.
   */
  close(close: Close): void {
    this.#closeBoth(close, { code: GOING_AWAY, reason: close.reason });
  }

  /** Ends both sides without waiting for either. */
  abort(): void {
    this.#endWith(VANISHED, "proxy");
    this.#closeClient({ code: GOING_AWAY, reason: "" });
    this.#clientDone = true;
    this.#forgetHandshake();
    this.#parts.upstream.abort();
    this.#finish();
  }

  /**
   * Looks, now and then, whether the client is still there.
   *
   * @param now Milliseconds of `performance.now()`.
   */
  sweep(now: number): void {
    if (this.#clientDone) return;
    if (!this.#started || this.#clientClosing) {
      if (now > this.#deadline) this.#clientLost();
      return;
    }
    const { client, location } = this.#parts;
    const timeout = 2 * location.websocketPing;
    // Not open and not closing: its close event is on the way.
    if (timeout === 0 || client.readyState !== WebSocket.OPEN) return;
    if (this.#toClient.isStuck(client, now, timeout)) this.#clientLost();
  }

  /** A message from the upstream. */
  message(data: string | Uint8Array, size: number): Promise<void> | undefined {
    const { client, bridges } = this.#parts;
    if (client.readyState !== WebSocket.OPEN) return;
    // It copies the bytes before it returns.
    client.send(data as string | Uint8Array<ArrayBuffer>);
    return this.#toClient.after(size, client, bridges.drain);
  }

  /** The upstream's end. */
  closed(close: Close): void {
    this.#upstreamClosed = true;
    const vanished = close.code === VANISHED;
    const told = vanished
      ? {
        code: INTERNAL_ERROR,
        reason: close.reason || "upstream connection lost",
      }
      : close;
    this.#endWith(told.code, "upstream");
    this.#closeClient(told);
    this.#finish();
  }

  /** A message from the client. */
  #forward(data: string | ArrayBuffer): void {
    if (this.#end !== null) return;
    const { upstream, location } = this.#parts;
    if (upstream.bufferedAmount > location.websocketBufferSize) {
      const close = {
        code: TRY_AGAIN_LATER,
        reason: "upstream reads too slowly",
      };
      return this.#closeBoth(close, close, true);
    }
    const refusal = this.#limits.refusal(data);
    if (refusal !== null) {
      const { reason } = refusal;
      return this.#closeBoth(refusal, { code: GOING_AWAY, reason }, true);
    }
    this.#fromClient.messages++;
    this.#fromClient.bytes += upstream.send(data);
  }

  #clientOpened(): void {
    // Too late: it was given up.
    if (this.#clientDone) return this.#parts.client.close(GOING_AWAY);
    this.#started = true;
    this.#forgetHandshake();
    this.#opened = performance.now();
    const { upstream, log, location, context } = this.#parts;
    if (location.accessLog) log.webSocketOpened(context);
    // Only now is read what the upstream may have sent already.
    upstream.run(this)
      // A bug met in one bridge must not end the process.
      .catch(() => this.abort())
      .then(() => {
        this.#upstreamGone = true;
        this.#finish();
      });
    if (this.#closeAtOpen !== null) this.#closeClient(this.#closeAtOpen);
  }

  #clientClosed({ code, reason, wasClean }: CloseEvent): void {
    if (this.#clientDone) return;
    this.#clientDone = true;
    if (!wasClean || code !== NO_CODE && !isCloseCode(code)) {
      // Cut, broke the protocol, or did not answer Deno's ping.
      return this.#clientLost();
    }
    this.#endWith(code, "client");
    this.#parts.upstream.close({ code, reason });
    this.#finish();
  }

  #clientLost(): void {
    this.#clientDone = true;
    this.#forgetHandshake();
    this.#endWith(VANISHED, "client");
    const { upstream, client } = this.#parts;
    const close = { code: GOING_AWAY, reason: "client connection lost" };
    if (this.#started) upstream.close(close);
    else upstream.abort();
    if (client.readyState === WebSocket.OPEN) client.close(GOING_AWAY);
    this.#finish();
  }

  #forgetHandshake(): void {
    if (this.#handshake === null) return;
    this.#handshake.signal.removeEventListener("abort", this);
    this.#handshake.settled();
    this.#handshake = null;
  }

  /** @param amidst Whether this is for a message of the client's. */
  #closeBoth(toClient: Close, toUpstream: Close, amidst = false): void {
    this.#endWith(toClient.code, "proxy");
    this.#closeClient(toClient, amidst);
    this.#parts.upstream.close(toUpstream);
  }

  #closeClient(close: Close, amidst = false): void {
    if (this.#clientDone || this.#clientClosing) return;
    const { client } = this.#parts;
    if (client.readyState === WebSocket.CONNECTING) {
      this.#closeAtOpen = close;
      return;
    }
    this.#clientClosing = true;
    this.#deadline = performance.now() + this.#parts.bridges.timeouts.close;
    const tell = () =>
      close.code === NO_CODE
        ? client.close()
        : client.close(close.code, close.reason);
    // Deno 2.9.6 cuts the connection without a close frame if it has read more
    // messages of the client by then; they come first, and go nowhere.
    if (amidst) setTimeout(tell, 0);
    else tell();
  }

  /** The first end is the cause; what follows are its echoes. */
  #endWith(code: number, by: WebSocketEntry["by"]): void {
    this.#end ??= { code, by };
  }

  #finish(): void {
    if (!this.#clientDone) return;
    const { bridges, context, location, log } = this.#parts;
    if ((this.#upstreamGone || !this.#started) && !this.#deleted) {
      this.#deleted = true;
      bridges.delete(this);
      this.#parts.ended();
    }
    if (!this.#upstreamClosed || this.#logged || this.#end === null) return;
    this.#logged = true;
    if (!location.accessLog) return;
    log.webSocketClosed({
      context,
      ...this.#end,
      duration: performance.now() - this.#opened,
      fromClient: this.#fromClient,
      toClient: this.#toClient.sent,
    });
  }
}
