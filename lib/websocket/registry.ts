/**
 * The open bridges of a listener, and what they share.
 *
 * @module
 */
import { LATE, within } from "../exchange/timeout.ts";
import { DrainPoll } from "./flow.ts";
import { ChunkPool, MessageMemory, MessagePool } from "./frames/buffers.ts";
import { type Close, MaskSource, TRY_AGAIN_LATER } from "./frames/frame.ts";
import { MemoryWatch } from "./memory_watch.ts";
import {
  WEBSOCKET_TIMES,
  type WebSocketSupplies,
  type WebSocketTimes,
} from "./upstream_socket.ts";

/**
 * The longest interval between two sweeps, as a share of `websocket_ping`: what is
 * due after half of it is late by less than a quarter.
 */
const SWEEP_SHARE = 1 / 8;
/** Bytes that wait for one upstream, from which on ending it is a relief. */
const NOTABLE = 1024 * 1024;
/** What clients that come when memory is short are closed with. */
const NO_MEMORY: Close = {
  code: TRY_AGAIN_LATER,
  reason: "the proxy is short of memory",
};
/** Milliseconds between two closes, where many are spread over a time. */
const CLOSE_STEP = 10;

/** What the registry knows of a bridge. */
export interface OpenBridge {
  /** `websocket_ping` in milliseconds, 0 for none. */
  readonly ping: number;
  /** `websocket_buffer_size` in bytes. */
  readonly bufferSize: number;
  /** Bytes that wait for the upstream. */
  readonly waiting: number;
  /**
   * Looks for a side that has gone, or does not go, without an event.
   *
   * @param now Milliseconds of `performance.now()`.
   */
  sweep(now: number): void;
  /**
   * Closes both sides for a reason of the proxy. The upstream gets 1001.
   *
   * @param close With a legal code and reason.
   */
  close(close: Close): void;
  /** Ends the bridge since too much waits for the upstream, which is dropped. */
  overflow(): void;
  /** Ends both sides without waiting for either. */
  abort(): void;
}

/** Made once for each listener and passed down. */
export class WebSocketBridges implements WebSocketSupplies {
  readonly chunks = new ChunkPool();
  readonly messages = new MessagePool();
  readonly masks = new MaskSource();
  readonly drain = new DrainPoll();
  readonly memory = new MessageMemory();
  readonly times: WebSocketTimes;
  readonly #watch: MemoryWatch;
  readonly #bridges = new Set<OpenBridge>();
  /** Bytes that may wait for the upstream of one bridge, twice. */
  #ownMost = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Milliseconds between two sweeps. */
  #interval = Infinity;
  /** What bridges that open now are closed with. */
  #closing: Close | null = null;
  #empty: PromiseWithResolvers<void> | null = null;

  /** @param times Those that differ from the defaults. */
  constructor(
    times: Partial<WebSocketTimes> = {},
    watch: MemoryWatch = new MemoryWatch(),
  ) {
    this.times = { ...WEBSOCKET_TIMES, ...times };
    this.#watch = watch;
  }

  /** How many are open. */
  get size(): number {
    return this.#bridges.size;
  }

  add(bridge: OpenBridge): void {
    this.#bridges.add(bridge);
    this.#sweepEvery(
      bridge.ping === 0 ? Infinity : bridge.ping * SWEEP_SHARE,
    );
    this.#ownMost = Math.max(this.#ownMost, 2 * bridge.bufferSize);
    if (this.#closing !== null) bridge.close(this.#closing);
    else if (this.#watch.isFlooded()) bridge.close(NO_MEMORY);
  }

  delete(bridge: OpenBridge): void {
    this.#bridges.delete(bridge);
    if (this.#bridges.size > 0) return;
    clearInterval(this.#timer);
    this.#interval = Infinity;
    this.messages.clear();
    this.#empty?.resolve();
    this.#empty = null;
  }

  /** Ends the bridges for which the most waits, while too much waits for all. */
  limitWaiting(): void {
    const { memory } = this;
    const most = Math.max(this.#watch.mostWaiting, this.#ownMost);
    while (memory.waiting > most && this.#endLargest(1));
  }

  /**
   * Closes all bridges, spread evenly over a time, so that their clients don't
   * reconnect in one instant; one that opens meanwhile is closed at once.
   *
   * @param code A legal close code for the clients; the upstreams get 1001.
   * @param reason At most 123 bytes of UTF-8.
   * @param window Milliseconds from the first close to the last.
   * @returns Resolves when none is open.
   */
  async closeAll(code: number, reason: string, window: number): Promise<void> {
    const close = { code, reason };
    this.#closing = close;
    const open = [...this.#bridges];
    const begun = performance.now();
    const last = open.length - 1;
    let closed = 0;
    const ended = this.empty();
    while (closed < open.length) {
      const elapsed = performance.now() - begun;
      // The first at once, the last at the end of the window.
      const share = elapsed < window ? elapsed / window : 1;
      const due = 1 + Math.floor(share * last);
      while (closed < due) open[closed++]?.close(close);
      // All clients may leave before the window ends.
      if (await within(ended, CLOSE_STEP) !== LATE) return;
    }
    await ended;
  }

  /** Ends all bridges at once, without closing handshakes. */
  abort(): void {
    for (const bridge of [...this.#bridges]) bridge.abort();
  }

  /** One timer for all: it runs as often as the most demanding bridge needs. */
  #sweepEvery(most: number): void {
    const interval = Math.min(this.times.sweep, most);
    if (interval >= this.#interval) return;
    this.#interval = interval;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#sweep(), interval);
  }

  #sweep(): void {
    const now = performance.now();
    for (const open of this.#bridges) open.sweep(now);
    this.messages.sweep();
    if (this.#watch.isShort()) this.#endLargest(NOTABLE);
  }

  /**
   * Ends the bridge for whose upstream the most waits.
   *
   * @param least Bytes that must wait for it.
   * @returns Whether there is such a one.
   */
  #endLargest(least: number): boolean {
    let largest: OpenBridge | undefined;
    for (const bridge of this.#bridges) {
      if (bridge.waiting >= (largest?.waiting ?? least)) largest = bridge;
    }
    largest?.overflow();
    return largest !== undefined;
  }

  /** Resolves when none is open. */
  empty(): Promise<void> {
    if (this.#bridges.size === 0) return Promise.resolve();
    return (this.#empty ??= Promise.withResolvers()).promise;
  }
}
