/**
 * One worker as seen from the main thread.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import {
  CallChannel,
  type MainCalls,
  type WorkerCalls,
} from "./call_channel.ts";

/**
 * The largest JavaScript heap of a worker, in MiB. A worker that exceeds it ends
 * alone; without a limit of its own it would end the whole process.
 */
const HEAP_LIMIT = 1024;

/** A worker's thread, running or ended. */
export class WorkerThread {
  readonly calls: CallChannel<WorkerCalls>;
  /** Resolves with the reason, as text, when the thread has ended. */
  readonly ended: Promise<string>;
  readonly #worker: Worker;
  #why: string | null = null;

  /** @param heapLimit In MiB. */
  constructor(
    readonly number: number,
    module: URL,
    main: MainCalls,
    heapLimit = HEAP_LIMIT,
  ) {
    // Not a Web Worker: that has no event for the end of its thread.
    this.#worker = new Worker(module, {
      resourceLimits: { maxOldGenerationSizeMb: heapLimit },
    });
    this.calls = new CallChannel(this.#worker, main);
    this.#worker.on("error", (error) => {
      this.#why ??= error instanceof Error ? error.message : String(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        const why = this.#why ?? `exit code ${code}`;
        this.calls.close(new Error(`worker ${number} ended: ${why}`));
        resolve(why);
      });
    });
  }

  /**
   * Ends the thread at once.
   *
   * @param why The reason that {@linkcode ended} resolves with.
   */
  end(why?: string): void {
    this.#why ??= why ?? "ended";
    this.#worker.terminate();
  }
}
