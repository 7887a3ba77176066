/**
 * Upstream groups that no plan has any more.
 *
 * @module
 */
import type { UpstreamGroups } from "../upstream/groups.ts";

/**
 * Closes groups when the requests that were given to them are answered: until
 * then they may be tried again. In the order of the reloads, since a group may
 * outlive several.
 */
export class RetiredGroups {
  readonly #waiting: { groups: UpstreamGroups; next: UpstreamGroups }[] = [];
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param next Those that have taken their place.
   * @param quiet Resolve when the requests are answered.
   */
  add(
    groups: UpstreamGroups,
    next: UpstreamGroups,
    quiet: readonly Promise<void>[],
  ): void {
    const pair = { groups, next };
    this.#waiting.push(pair);
    this.#last = Promise.all([this.#last, ...quiet]).then(() => {
      const at = this.#waiting.indexOf(pair);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      groups.close(next);
    });
  }

  /** Closes them without waiting. */
  close(): void {
    for (const { groups, next } of this.#waiting.splice(0)) groups.close(next);
  }
}
