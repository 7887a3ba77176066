/**
 * Accepting on one address, again and again where that fails.
 *
 * @module
 */
import {
  haveDescriptors,
  listenError,
  systemReason,
} from "./listen_address.ts";

/** Milliseconds between two tries to accept again: at first, and at most. */
const SHORTEST_RETRY_DELAY = 100;
const LONGEST_RETRY_DELAY = 1_000;

/** Trouble with accepting is said at most once in so many milliseconds. */
const NOTICE_INTERVAL = 60_000;

export interface AcceptorOptions {
  /** Calls `Deno.serve`. */
  readonly listen: () => Deno.HttpServer<Deno.Addr>;
  /** The address as the config writes it. */
  readonly written: string;
  /** Takes one line for whoever runs the proxy. */
  readonly errorLog: (line: string) => void;
}

export class Acceptor {
  readonly #options: AcceptorOptions;
  /** The one that accepts, and those that can't any more but serve what they have. */
  readonly #servers = new Set<Deno.HttpServer<Deno.Addr>>();
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastNotice = -Infinity;

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  /**
   * Begins to accept.
   *
   * @returns The address that was bound.
   * @throws {ListenError}
   */
  open(): Deno.Addr {
    let server;
    try {
      server = this.#options.listen();
    } catch (cause) {
      throw listenError(this.#options.written, cause);
    }
    this.#servers.add(server);
    server.finished.catch((error) => this.#failed(error));
    return server.addr;
  }

  /** Accepts no more, and resolves when all connections have ended. */
  async shutdown(): Promise<void> {
    this.#stop();
    await Promise.allSettled(
      [...this.#servers].map((server) => server.shutdown()),
    );
  }

  /** As {@linkcode shutdown}, where a signal has ended the connections. */
  async aborted(): Promise<void> {
    this.#stop();
    await Promise.allSettled(
      [...this.#servers].map((server) => server.finished),
    );
  }

  #stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /**
   * Accepting failed, most likely for want of descriptors (EMFILE), and Deno
   * does not try again. It goes on with the connections that are open.
   */
  #failed(error: unknown): void {
    if (this.#stopped) return;
    const now = performance.now();
    const told = now - this.#lastNotice > NOTICE_INTERVAL;
    if (told) {
      this.#lastNotice = now;
      const { errorLog, written } = this.#options;
      errorLog(
        `cannot accept on ${written}: ${systemReason(error)}; open ` +
          "connections are served, new ones when some are closed (raise " +
          "ulimit -n)",
      );
    }
    this.#retry(SHORTEST_RETRY_DELAY, told);
  }

  #retry(pause: number, told: boolean): void {
    this.#timer = setTimeout(() => {
      try {
        if (!haveDescriptors()) throw new Error("none to spare");
        this.open();
      } catch {
        return this.#retry(Math.min(2 * pause, LONGEST_RETRY_DELAY), told);
      }
      const { errorLog, written } = this.#options;
      if (told) errorLog(`accepting on ${written} again`);
    }, pause);
  }
}
