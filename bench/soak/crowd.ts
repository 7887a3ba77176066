/**
 * A crowd of clients, each of which does one kind of thing again and again, and
 * what became of it.
 *
 * @module
 */

/** What came of one kind of thing. */
export class Tally {
  done = 0;
  /** Why others failed, with how many of each. */
  readonly failures = new Map<string, number>();

  /** @param strict Whether none may fail. */
  constructor(readonly kind: string, readonly strict: boolean) {}

  fail(why: string): void {
    this.failures.set(why, (this.failures.get(why) ?? 0) + 1);
  }

  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** Clients of all kinds, until they are told to leave. */
export class Crowd {
  readonly tallies: Tally[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #wake = new Set<() => void>();
  readonly #goodbyes: (() => void)[] = [];
  #left = false;

  get isLeaving(): boolean {
    return this.#left;
  }

  /**
   * Adds clients.
   *
   * @param every Milliseconds between two things that one of them does, on
   * average.
   * @param client Makes one; what it gives does the thing once, and throws where
   * it failed.
   */
  add(
    tally: Tally,
    clients: number,
    every: number,
    client: () => (tally: Tally) => Promise<void>,
  ): void {
    this.tallies.push(tally);
    for (let i = 0; i < clients; i++) {
      this.#loops.push(this.#run(tally, every, client()));
    }
  }

  /** Waits, or until all are to leave. */
  async pause(milliseconds: number): Promise<void> {
    if (this.#left) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#wake.add(resolve);
    await promise;
    this.#wake.delete(resolve);
    clearTimeout(timer);
  }

  /** Lets each end what it has begun. */
  async leave(): Promise<void> {
    this.#left = true;
    for (const wake of this.#wake) wake();
    await Promise.all(this.#loops);
    for (const goodbye of this.#goodbyes) goodbye();
  }

  /** Does something when all have ended what they had begun. */
  whenLeft(goodbye: () => void): void {
    this.#goodbyes.push(goodbye);
  }

  async #run(
    tally: Tally,
    every: number,
    once: (tally: Tally) => Promise<void>,
  ): Promise<void> {
    while (true) {
      await this.pause(Math.random() * 2 * every);
      if (this.#left) return;
      try {
        await once(tally);
        tally.done++;
      } catch (error) {
        tally.fail(error instanceof Error ? error.message : String(error));
      }
    }
  }
}
