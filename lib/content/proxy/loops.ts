/**
 * Requests that come back to this proxy, which then sends them to itself again:
 * `proxy_pass` leads to one of its own listeners, perhaps through other proxies.
 *
 * They are known by their `X-Request-ID`, which the proxy sends upstream anyway:
 * nothing is added to what an upstream sees. Only a request that comes with an
 * id is looked at, so that browsers' requests cost nothing. A backend may pass
 * its id on with calls of its own, and a client may use one for many requests:
 * that alone is no loop.
 *
 * @module
 */
import type { Exchange } from "../../exchange/exchange.ts";

/** So many requests of the same id, method and target that wait at once are a loop. */
const MOST = 100;

/** The requests of one thread that came with an id and wait for their answer. */
export class Loops {
  readonly #waiting = new Map<string, number>();

  /** How many different ones wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * One more waits, and has to {@linkcode leave}.
   *
   * @returns Its key; null for one without an id; {@linkcode LOOP} for one that came once
   * too often, and does not wait.
   */
  enter(exchange: Exchange): string | null {
    const { fields, requestId, method, requestUri } = exchange;
    if (fields.requestId !== requestId) return null;
    const key = `${requestId} ${method} ${requestUri}`;
    const waiting = this.#waiting.get(key) ?? 0;
    if (waiting >= MOST) return LOOP;
    this.#waiting.set(key, waiting + 1);
    return key;
  }

  /** It has its answer, or will have none. */
  leave(key: string): void {
    const waiting = this.#waiting.get(key) ?? 0;
    if (waiting <= 1) this.#waiting.delete(key);
    else this.#waiting.set(key, waiting - 1);
  }
}

/** In place of a key: no key is so short. */
export const LOOP = "loop";
