/**
 * What comes by itself, for a test that asks for one after the other.
 *
 * @module
 */
import { soon } from "./soon.ts";

/** What has come and was not yet asked for. */
export class Collected<T> {
  readonly #there: T[] = [];
  #awaited: ((it: T) => void) | null = null;

  add(it: T): void {
    const awaited = this.#awaited;
    this.#awaited = null;
    if (awaited === null) this.#there.push(it);
    else awaited(it);
  }

  /** @throws {Error} if nothing comes for half a minute. */
  async next(): Promise<T> {
    const it = this.#there.shift();
    if (it !== undefined) return it;
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#awaited = resolve;
    return await soon("something comes", promise);
  }
}
