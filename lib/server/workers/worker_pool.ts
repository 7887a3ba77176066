/**
 * The workers of the proxy: as many threads as the config asks for, each of
 * which accepts and serves by itself. This thread only starts them, hands them
 * the config, and collects what they log.
 *
 * @module
 */
import type { LoadedConfig } from "../../config/config_source.ts";
import { FLUSH_PATIENCE, withPatience } from "../../observe/impatient_log.ts";
import {
  addressKey,
  checkIsFree,
  ownIfOverlapping,
} from "../listen_address.ts";
import type { Changes, ListenedAddress } from "../running_server.ts";
import {
  type ProxyOptions,
  type RunningProxy,
  workerNotes,
} from "../running_proxy.ts";
import type { MainCalls, WorkerConfig } from "./worker_calls.ts";
import { WorkerThread } from "./worker_thread.ts";

/** Milliseconds before a worker is started anew: at first, and at most. */
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

/** A worker that has lived for so many milliseconds was a good one. */
const GOOD_LIFE = 60_000;

const WORKER = new URL("./worker.ts", import.meta.url);

/** One place of the pool: a worker, and when it dies the next. */
interface Slot {
  /** From 1. */
  readonly number: number;
  thread: WorkerThread | null;
  /** Milliseconds before the next start. */
  pause: number;
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
  #addresses: readonly ListenedAddress[] = [];
  /**
   * The keys of all addresses there ever were: those that are gone may still be
   * held by a worker that has WebSockets there.
   */
  readonly #known = new Set<string>();
  /** Starts and reloads, one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  /** The lines that are being written. */
  #written: Promise<void> = Promise.resolve();
  #stopping = false;

  /**
   * Starts as many workers as the config asks for.
   *
   * @param module What they run.
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
      // It finds the ports out where the config says 0.
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
      pause: SHORTEST_PAUSE,
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

  async shutdown(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    // One that dies meanwhile has nothing more to close.
    const ended = this.#threads().map(({ calls }) => calls.call("shutdown"));
    const written = Promise.allSettled(ended).then(() => this.#written);
    const { shutdownTimeout } = this.#loaded.plan;
    await withPatience(written, shutdownTimeout + FLUSH_PATIENCE);
    this.#end();
  }

  async abort(): Promise<void> {
    this.#stopping = true;
    this.#end();
    await withPatience(this.#written, FLUSH_PATIENCE);
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
      .filter(({ address }) => !this.#known.has(addressKey(address)));
    try {
      added.forEach(checkIsFree);
    } catch (error) {
      throw ownIfOverlapping(error, this.#addresses);
    }
    const threads = this.#threads();
    const addresses = await this.#prepareAll(threads, loaded);
    this.#loaded = loaded;
    this.#setAddresses(addresses);
    const commits = await Promise.allSettled(
      threads.map(({ calls }) => calls.call("commit")),
    );
    // All say the same; one that has died since is replaced by one of this config.
    const changes = commits.find(({ status }) => status === "fulfilled");
    const notes = workerNotes(plan.workers, this.#slots.length);
    return changes?.status === "fulfilled"
      ? { ...changes.value, notes }
      : { added: [], removed: [], notes };
  }

  /**
   * Opens in all workers what a config needs, or in none.
   *
   * @throws {ListenError}
   */
  async #prepareAll(
    threads: readonly WorkerThread[],
    loaded: LoadedConfig,
  ): Promise<readonly ListenedAddress[]> {
    const [first, ...others] = threads;
    if (first === undefined) throw new Error("no worker is alive just now");
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
    { config }: LoadedConfig,
    addresses = this.#addresses,
  ): WorkerConfig {
    const ports = new Map<string, number>();
    for (const { key, port } of addresses) {
      if (port !== null) ports.set(key, port);
    }
    return { config, ports, unix: number === 1 };
  }

  #threads(): WorkerThread[] {
    return this.#slots.flatMap(({ thread }) => thread ?? []);
  }

  /** @throws {ListenError} or `Error` if it dies. */
  async #start(slot: Slot): Promise<readonly ListenedAddress[]> {
    const begun = performance.now();
    const thread = new WorkerThread(slot.number, this.#module, this.#main);
    slot.thread = thread;
    thread.ended.then((why) => {
      slot.thread = null;
      if (this.#stopping) return;
      const pause = performance.now() - begun > GOOD_LIFE
        ? SHORTEST_PAUSE
        : slot.pause;
      slot.pause = Math.min(2 * pause, LONGEST_PAUSE);
      this.#options.errorLog(
        `worker ${slot.number} has ended (${why}): another takes its place`,
      );
      slot.timer = setTimeout(() => this.#replace(slot), pause);
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
        // Its end brings the next try.
        slot.thread?.end(error instanceof Error ? error.message : undefined);
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Batches of several workers, one after the other. */
  #write(lines: Uint8Array): Promise<void> {
    const written = this.#written.then(() => this.#options.writeLog(lines));
    this.#written = written.catch(() => {});
    return written;
  }
}
