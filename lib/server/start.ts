/**
 * Starting the proxy, in this thread or with workers.
 *
 * @module
 */
import type { LoadedConfig } from "../config/config_source.ts";
import type { ThreadSnapshot } from "../observe/metrics/metrics.ts";
import { createAccessLog, type FormattedLog } from "../observe/access_log.ts";
import { flushLog } from "./log_flush.ts";
import {
  type ProxyOptions,
  type Recordings,
  type RunningProxy,
  workerNotes,
} from "./running.ts";
import {
  type Changes,
  type ListenedAddress,
  type RunningServer,
  startServer,
} from "./server.ts";

/**
 * Listens on every address of the config.
 *
 * @throws {ListenError} if one can't be had.
 */
export async function startProxy(
  loaded: LoadedConfig,
  options: ProxyOptions,
): Promise<RunningProxy> {
  const { workers } = loaded.plan;
  if (workers > 1 && Deno.build.os === "linux") {
    // What only this needs is not loaded at every start.
    const { WorkerPool } = await import("./workers/worker_pool.ts");
    return await WorkerPool.start(loaded, options);
  }
  if (workers > 1) {
    options.errorLog("several workers need Linux: running with one");
  }
  return new SingleThread(loaded, options);
}

/** All in this thread. */
class SingleThread implements RunningProxy {
  readonly finished: Promise<void>;
  readonly #server: RunningServer;
  readonly #accessLog: FormattedLog;
  readonly #workers: number;

  constructor({ plan }: LoadedConfig, options: ProxyOptions) {
    const { writeLog, errorLog, control } = options;
    const accessLog = createAccessLog(plan.logFormat, writeLog);
    this.#accessLog = accessLog;
    this.#server = startServer(plan, { accessLog, errorLog, control });
    this.#workers = plan.workers;
    this.finished = this.#server.finished;
  }

  get addresses(): readonly ListenedAddress[] {
    return this.#server.addresses;
  }

  get recordings(): Recordings {
    return this.#server.recordings;
  }

  // The threads of a plan that says more are one here.
  get workers(): number {
    return 1;
  }

  snapshot(watching?: boolean): Promise<ThreadSnapshot | null> {
    return Promise.resolve(this.#server.snapshot(watching));
  }

  reload({ plan }: LoadedConfig): Promise<Changes> {
    // What is thrown is a rejection, as with workers.
    return Promise.try(() => {
      const changes = this.#server.reload(plan);
      this.#accessLog.setFormat(plan.logFormat);
      const notes = workerNotes(plan.workers, this.#workers);
      return { ...changes, notes: [...changes.notes, ...notes] };
    });
  }

  shutdown(): Promise<void> {
    return this.#server.shutdown();
  }

  abort(): Promise<void> {
    this.#server.abort();
    return flushLog(this.#accessLog);
  }
}
