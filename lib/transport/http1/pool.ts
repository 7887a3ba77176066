/**
 * The idle connections to one server (nginx's `keepalive`).
 *
 * @module
 */
import type { Connection } from "./connection.ts";

/** How long and how often connections are used; as nginx's directives of these names. */
export interface KeepAlive {
  /** Idle connections kept; 0 keeps none. */
  readonly keepalive: number;
  /** Milliseconds that one may be idle. */
  readonly keepalive_timeout: number;
  /** Requests that one carries at the most. */
  readonly keepalive_requests: number;
  /** Milliseconds after which one is not used again. */
  readonly keepalive_time: number;
}

/** For connections that are used once. */
export const NO_KEEP_ALIVE: KeepAlive = {
  keepalive: 0,
  keepalive_timeout: 0,
  keepalive_requests: 1,
  keepalive_time: 0,
};

/** Milliseconds between two looks for connections that have been idle for too long. */
const SWEEP_INTERVAL = 1_000;

/** The one that was used last is used first: those that are not needed grow old. */
export class ConnectionPool {
  readonly #idle: Connection[] = [];
  #sweep: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(readonly settings: KeepAlive) {}

  /** How many are idle. */
  get size(): number {
    return this.#idle.length;
  }

  /** Takes one; null where there is none. */
  take(now: number): Connection | null {
    while (true) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      if (!this.#isOld(connection, now)) return connection;
      connection.close();
    }
  }

  /** Takes one back after an exchange, or closes it. */
  give(connection: Connection, now: number): void {
    const { keepalive, keepalive_requests, keepalive_time } = this.settings;
    if (
      this.#closed || connection.isClosed || keepalive === 0 ||
      connection.exchanges >= keepalive_requests ||
      now - connection.madeAt >= keepalive_time
    ) return connection.close();
    // As in nginx the one that was used longest ago makes room.
    if (this.#idle.length >= keepalive) this.#idle.shift()?.close();
    this.#idle.push(connection);
    connection.idle(now, this.#lost);
    this.#sweep ??= setInterval(() => this.#closeOld(), SWEEP_INTERVAL);
  }

  /** Closes those that are idle; of those that are given back from now on none is kept. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.close();
    this.#stopSweeping();
  }

  /** The server has closed one, or has sent what nobody has asked for. */
  readonly #lost = (connection: Connection): void => {
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    this.#stopSweeping();
  };

  #isOld({ idleSince }: Connection, now: number): boolean {
    return now - idleSince >= this.settings.keepalive_timeout;
  }

  #closeOld(): void {
    const now = performance.now();
    // Those at the beginning are idle longest.
    let [oldest] = this.#idle;
    while (oldest !== undefined && this.#isOld(oldest, now)) {
      this.#idle.shift()?.close();
      [oldest] = this.#idle;
    }
    this.#stopSweeping();
  }

  /** Once there is nothing to sweep. */
  #stopSweeping(): void {
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
