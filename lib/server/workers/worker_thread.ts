/**
 * One worker, as the main thread sees it.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { CallChannel } from "./call_channel.ts";
import type { MainCalls, WorkerCalls } from "./worker_calls.ts";

/**
 * How far the JavaScript of a worker may grow, in MiB. Past that it ends alone;
 * without a limit of its own it would take the whole process along.
 */
const HEAP_LIMIT = 1024;

/** A thread that runs, or has run. */
export class WorkerThread {
  readonly calls: CallChannel<WorkerCalls>;
  /** Resolves when it has ended, with the reason in words. */
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
    // Not a Web Worker, of whose end nobody tells.
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
        this.calls.close(new Error(`worker ${number} has ended: ${why}`));
        resolve(why);
      });
    });
  }

  /**
   * Ends it at once.
   *
   * @param why In words.
   */
  end(why?: string): void {
    this.#why ??= why ?? "ended";
    this.#worker.terminate();
  }
}
