/**
 * The open bridges of a process, and what they share.
 *
 * @module
 */
import type { WebSocketBridge } from "./bridge.ts";
import { ChunkPool, MessagePool } from "./frames/buffers.ts";
import { DrainPoll } from "./drain.ts";
import { type Close, MaskSource } from "./frames/frame.ts";
import type { WebSocketSupplies } from "./upstream_socket.ts";

/** Milliseconds between two looks for clients that are gone. */
const SWEEP_INTERVAL = 1_000;
/** Milliseconds between two closes, where many are spread over a time. */
const CLOSE_STEP = 10;

/** Made once at start-up and passed down. */
export class WebSocketBridges implements WebSocketSupplies {
  readonly chunks = new ChunkPool();
  readonly messages = new MessagePool();
  readonly masks = new MaskSource();
  readonly drain = new DrainPoll();
  readonly #bridges = new Set<WebSocketBridge>();
  #sweep: ReturnType<typeof setInterval> | undefined;
  /** What bridges that open now are closed with. */
  #closing: Close | null = null;
  #emptied: (() => void)[] = [];

  /** How many are open. */
  get size(): number {
    return this.#bridges.size;
  }

  [Symbol.iterator](): Iterator<WebSocketBridge> {
    return this.#bridges.values();
  }

  add(bridge: WebSocketBridge): void {
    this.#bridges.add(bridge);
    this.#sweep ??= setInterval(() => {
      const now = performance.now();
      for (const open of this.#bridges) open.sweep(now);
      this.messages.sweep();
    }, SWEEP_INTERVAL);
    if (this.#closing !== null) bridge.close(this.#closing);
  }

  delete(bridge: WebSocketBridge): void {
    this.#bridges.delete(bridge);
    if (this.#bridges.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    this.messages.clear();
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /**
   * Closes all bridges, spread evenly over a time, so that their clients don't
   * come back in one instant; one that opens meanwhile is closed at once.
   *
   * @param code A legal close code for the clients; the upstreams get 1001.
   * @param windowMs Milliseconds from the first close to the last.
   * @param signal Stops the closing, and the waiting.
   * @returns Resolves when none is open, or `signal` has aborted.
   */
  async closeAll(
    code: number,
    reason: string,
    windowMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const close = { code, reason };
    this.#closing = close;
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const stop = () => resolve();
    signal?.addEventListener("abort", stop, { once: true });
    const open = [...this.#bridges];
    const begun = performance.now();
    let closed = 0;
    // Their clients may leave before the time is over.
    const wait = () => this.#bridges.size > 0 && !signal?.aborted;
    while (closed < open.length && wait()) {
      const share = windowMs > 0
        ? Math.min(1, (performance.now() - begun) / windowMs)
        : 1;
      // The first at once, the last at the window's end.
      const due = 1 + Math.floor(share * (open.length - 1));
      while (closed < due) open[closed++]?.close(close);
      if (closed === open.length) break;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const step = new Promise<void>((next) => {
        timer = setTimeout(next, CLOSE_STEP);
      });
      await Promise.race([step, stopped]);
      clearTimeout(timer);
    }
    if (!signal?.aborted) await Promise.race([this.empty(), stopped]);
    signal?.removeEventListener("abort", stop);
  }

  /** Ends all bridges at once, without a word. */
  abort(): void {
    for (const bridge of [...this.#bridges]) bridge.abort();
  }

  /** Resolves when none is open. */
  empty(): Promise<void> {
    if (this.#bridges.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }
}
