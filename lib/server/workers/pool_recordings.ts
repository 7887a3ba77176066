/**
 * Requests that the workers keep: each has those that came to it.
 *
 * @module
 */
import { LATE, within } from "../../exchange/timeout.ts";
import type { Recording } from "../../observe/recorder/recording.ts";
import type { Recordings, Replayed } from "../running.ts";
import type { WorkerThread } from "./worker_thread.ts";

/** Milliseconds within which a worker says whether it has one. */
const FIND_TIMEOUT = 1_000;

/** More than it takes until a worker breaks a request off. */
const REPLAY_TIMEOUT = 15_000;

/** Asks the threads that there are. */
export class PoolRecordings implements Recordings {
  readonly #threads: () => readonly WorkerThread[];

  constructor(threads: () => readonly WorkerThread[]) {
    this.#threads = threads;
  }

  async find(id: string, at: number | null): Promise<Recording | null> {
    const found = await this.#ask(
      FIND_TIMEOUT,
      ({ calls }) => calls.call("find", id, at),
    );
    return found.toSorted((a, b) => a.at - b.at).at(-1) ?? null;
  }

  async replay(id: string, at: number): Promise<Replayed | null> {
    const [replayed] = await this.#ask(
      REPLAY_TIMEOUT,
      ({ calls }) => calls.call("replay", id, at),
    );
    return replayed ?? null;
  }

  /** What those say that know of it. A worker may be busy, or end. */
  async #ask<T>(
    timeout: number,
    ask: (thread: WorkerThread) => Promise<T | null>,
  ): Promise<T[]> {
    const asked = this.#threads().map(async (thread) => {
      const answer = await within(ask(thread), timeout).catch(() => null);
      return answer === LATE || answer === null ? [] : [answer];
    });
    return (await Promise.all(asked)).flat() as T[];
  }
}
