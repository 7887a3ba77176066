/**
 * Server-sent events: the same to all who listen, and nothing where nobody does.
 *
 * @module
 */

/** Pages that may be looked at together. */
const MOST_LISTENERS = 32;

/** Milliseconds between two events. */
const INTERVAL = 1_000;

type Controller = ReadableStreamDefaultController<Uint8Array>;

const encoder = new TextEncoder();

/** Asks for a state each second as long as somebody listens. */
export class EventFeed {
  readonly #take: (watching: boolean) => Promise<unknown>;
  readonly #interval: number;
  readonly #listeners = new Set<Controller>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #taking = false;

  /**
   * @param take Takes the state; null for none now. It is told whether all get
   * it: what it takes away then nobody else needs.
   * @param interval Milliseconds.
   */
  constructor(
    take: (watching: boolean) => Promise<unknown>,
    interval = INTERVAL,
  ) {
    this.#take = take;
    this.#interval = interval;
  }

  /** How many listen. */
  get size(): number {
    return this.#listeners.size;
  }

  /** A stream of events, the first at once; null where too many listen. */
  listen(): ReadableStream<Uint8Array> | null {
    if (this.#listeners.size >= MOST_LISTENERS) return null;
    let controller: Controller;
    return new ReadableStream<Uint8Array>({
      start: (mine) => {
        controller = mine;
        controller.enqueue(encoder.encode("retry: 1000\n\n"));
        this.#listeners.add(controller);
        this.#timer ??= setInterval(() => this.#tell(), this.#interval);
        void this.#tell(controller);
      },
      cancel: () => this.#leave(controller),
    }, { highWaterMark: 4 });
  }

  /** Ends the streams. */
  close(): void {
    for (const controller of this.#listeners) controller.close();
    this.#listeners.clear();
    this.#stop();
  }

  /** @param only Whom to tell; else all. */
  async #tell(only?: Controller): Promise<void> {
    if (only === undefined && this.#taking) return;
    this.#taking = true;
    let event: Uint8Array;
    try {
      const state = await this.#take(only === undefined);
      if (state === null) return;
      event = encoder.encode(
        `event: state\ndata: ${JSON.stringify(state)}\n\n`,
      );
    } catch (error) {
      reportError(error);
      return;
    } finally {
      this.#taking = false;
    }
    for (const controller of only === undefined ? this.#listeners : [only]) {
      // Who does not read misses some: nothing waits for it.
      const reads = (controller.desiredSize ?? 0) > 0;
      if (this.#listeners.has(controller) && reads) controller.enqueue(event);
    }
  }

  #leave(controller: Controller): void {
    this.#listeners.delete(controller);
    if (this.#listeners.size === 0) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
