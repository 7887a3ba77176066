/**
 * The workers of the proxy: as many threads as the config says, each of which
 * accepts and serves connections. The main thread starts them, sends them the
 * config, and writes their log lines.
 *
 * @module
 */
import { listenKey } from "../../config/address.ts";
import type { LoadedConfig } from "../../config/config_source.ts";
import {
  addThreads,
  type ThreadSnapshot,
} from "../../observe/metrics/metrics.ts";
import { LATE, within } from "../../exchange/timeout.ts";
import { checkIsFree, ownIfOverlapping } from "../listen_address.ts";
import { FLUSH_TIMEOUT } from "../log_flush.ts";
import {
  type Changes,
  type ListenedAddress,
  type ProxyOptions,
  type RunningProxy,
  workerNotes,
} from "../running.ts";
import type { MainCalls, WorkerConfig } from "./call_channel.ts";
import { PoolRecordings } from "./pool_recordings.ts";
import { WorkerThread } from "./worker_thread.ts";

/** Milliseconds before a worker is restarted: doubled at each failure in a row. */
const MIN_RESTART_DELAY = 100;
const MAX_RESTART_DELAY = 10_000;

/** Milliseconds after which a worker counts as stable: the delay is the least again. */
const STABLE_AFTER = 60_000;

/** Milliseconds within which a worker says what it has counted. */
const SNAPSHOT_TIMEOUT = 1_000;

const WORKER = new URL("./worker.ts", import.meta.url);

/** One place in the pool: a worker, and the ones that replace it. */
interface Slot {
  /** From 1. */
  readonly number: number;
  thread: WorkerThread | null;
  /** Milliseconds before the next restart. */
  delay: number;
  timer?: ReturnType<typeof setTimeout>;
}

export class WorkerPool implements RunningProxy {
  readonly finished: Promise<void>;
  readonly #finished = Promise.withResolvers<void>();
  readonly #options: ProxyOptions;
  readonly #module: URL;
  readonly #slots: readonly Slot[];
  readonly #main: MainCalls;
  #loaded: LoadedConfig;
  /** The number of the config in effect. */
  #generation = 1;
  #addresses: readonly ListenedAddress[] = [];
  /**
   * The keys of all addresses so far: a worker with open WebSockets may still
   * listen on one that a reload has removed.
   */
  readonly #known = new Set<string>();
  /** The last start or reload: they run one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** The last write of log lines. */
  #written: Promise<void> = Promise.resolve();
  #stopping = false;
  readonly recordings = new PoolRecordings(() => this.#threads());

  /**
   * Starts as many workers as the config says.
   *
   * @param module The module that the workers run.
   * @throws {ListenError} if an address can't be had.
   */
  static async start(
    loaded: LoadedConfig,
    options: ProxyOptions,
    module: URL = WORKER,
  ): Promise<WorkerPool> {
    loaded.plan.listeners.forEach(checkIsFree);
    const pool = new WorkerPool(loaded, options, module);
    try {
      const [first, ...others] = pool.#slots;
      // The first worker binds the ports where the config says 0.
      if (first !== undefined) pool.#setAddresses(await pool.#start(first));
      await Promise.all(others.map((slot) => pool.#start(slot)));
    } catch (error) {
      await pool.abort();
      throw error;
    }
    return pool;
  }

  private constructor(
    loaded: LoadedConfig,
    options: ProxyOptions,
    module: URL,
  ) {
    this.finished = this.#finished.promise;
    this.#loaded = loaded;
    this.#options = options;
    this.#module = module;
    this.#slots = Array.from({ length: loaded.plan.workers }, (_, at) => ({
      number: at + 1,
      thread: null,
      delay: MIN_RESTART_DELAY,
    }));
    this.#main = {
      writeLog: (lines) => this.#write(lines),
      logError: options.errorLog,
      control: options.control,
    };
  }

  get addresses(): readonly ListenedAddress[] {
    return this.#addresses;
  }

  reload(loaded: LoadedConfig): Promise<Changes> {
    return this.#inTurn(() => this.#reload(loaded));
  }

  get workers(): number {
    return this.#slots.length;
  }

  async snapshot(watching = false): Promise<ThreadSnapshot | null> {
    const asked = this.#threads().map(async ({ calls }) => {
      // It may be busy, or end.
      const answer = within(calls.call("snapshot", watching), SNAPSHOT_TIMEOUT);
      const snapshot = await answer.catch(() => null);
      return snapshot === LATE || snapshot === null ? [] : [snapshot];
    });
    return addThreads((await Promise.all(asked)).flat());
  }

  async shutdown(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    // A worker that ends meanwhile has nothing left to close.
    const ended = this.#threads().map(({ calls }) => calls.call("shutdown"));
    const { shutdownTimeout } = this.#loaded.plan;
    await within(Promise.allSettled(ended), shutdownTimeout + FLUSH_TIMEOUT);
    await within(this.#written, FLUSH_TIMEOUT);
    this.#end();
  }

  async abort(): Promise<void> {
    this.#stopping = true;
    this.#end();
    await within(this.#written, FLUSH_TIMEOUT);
  }

  #end(): void {
    for (const { thread, timer } of this.#slots) {
      clearTimeout(timer);
      thread?.end();
    }
    this.#finished.resolve();
  }

  async #reload(loaded: LoadedConfig): Promise<Changes> {
    if (this.#stopping) throw new Error("the proxy is shutting down");
    const { plan } = loaded;
    const added = plan.listeners
      .filter(({ address }) => !this.#known.has(listenKey(address)));
    try {
      added.forEach(checkIsFree);
    } catch (error) {
      throw ownIfOverlapping(error, this.#addresses);
    }
    const threads = this.#threads();
    const addresses = await this.#prepareAll(threads, loaded);
    this.#loaded = loaded;
    this.#generation++;
    this.#setAddresses(addresses);
    const commits = await Promise.allSettled(
      threads.map(({ calls }) => calls.call("commit")),
    );
    // All return the same. A worker that has ended since is replaced by one with
    // this config.
    const changes = commits.find(({ status }) => status === "fulfilled");
    const notes = workerNotes(plan.workers, this.#slots.length);
    if (changes?.status !== "fulfilled") {
      return { added: [], removed: [], notes };
    }
    const { value } = changes;
    return { ...value, notes: [...value.notes, ...notes] };
  }

  /**
   * Opens the addresses of a config in all workers, or in none.
   *
   * @throws {ListenError}
   */
  async #prepareAll(
    threads: readonly WorkerThread[],
    loaded: LoadedConfig,
  ): Promise<readonly ListenedAddress[]> {
    const [first, ...others] = threads;
    if (first === undefined) throw new Error("no worker is running");
    try {
      const addresses = await first.calls
        .call("prepare", this.#configFor(first.number, loaded));
      const prepared = await Promise.allSettled(
        others.map(({ calls, number }) =>
          calls.call("prepare", this.#configFor(number, loaded, addresses))
        ),
      );
      const failed = prepared.find(({ status }) => status === "rejected");
      if (failed?.status === "rejected") throw failed.reason;
      return addresses;
    } catch (error) {
      await Promise.allSettled(
        threads.map(({ calls }) => calls.call("cancel")),
      );
      throw error;
    }
  }

  #setAddresses(addresses: readonly ListenedAddress[]): void {
    this.#addresses = addresses;
    for (const { key } of addresses) this.#known.add(key);
  }

  #configFor(
    number: number,
    loaded: LoadedConfig,
    addresses = this.#addresses,
  ): WorkerConfig {
    const { config } = loaded;
    const generation = this.#generation + (loaded === this.#loaded ? 0 : 1);
    const ports = new Map<string, number>();
    for (const { key, port } of addresses) {
      if (port !== null) ports.set(key, port);
    }
    return { config, ports, unix: number === 1, generation };
  }

  #threads(): WorkerThread[] {
    return this.#slots.flatMap(({ thread }) => thread ?? []);
  }

  /** @throws {ListenError} or `Error` if the worker ends first. */
  async #start(slot: Slot): Promise<readonly ListenedAddress[]> {
    const begun = performance.now();
    const thread = new WorkerThread(slot.number, this.#module, this.#main);
    slot.thread = thread;
    thread.ended.then((why) => {
      slot.thread = null;
      if (this.#stopping) return;
      const delay = performance.now() - begun > STABLE_AFTER
        ? MIN_RESTART_DELAY
        : slot.delay;
      slot.delay = Math.min(2 * delay, MAX_RESTART_DELAY);
      this.#options.errorLog(
        `worker ${slot.number} ended (${why}) and is restarted`,
      );
      slot.timer = setTimeout(() => this.#replace(slot), delay);
    });
    const config = this.#configFor(slot.number, this.#loaded);
    return await thread.calls.call("start", config);
  }

  #replace(slot: Slot): void {
    this.#inTurn(async () => {
      if (this.#stopping) return;
      try {
        await this.#start(slot);
      } catch (error) {
        // `ended` schedules the next try.
        slot.thread?.end(error instanceof Error ? error.message : undefined);
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Writes one batch after the other, so that lines of workers don't mix. */
  #write(lines: Uint8Array): Promise<void> {
    const written = this.#written.then(() => this.#options.writeLog(lines));
    this.#written = written.catch(() => {});
    return written;
  }
}
