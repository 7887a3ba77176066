/**
 * A watch on the memory of the process.
 *
 * Deno 2.9.6 assembles a client's message before anybody sees it: a frame of up to
 * 64 MiB, fragments without a limit. It tells neither which client that is nor how
 * much it has, and has no way to stop it. All that shows is the resident memory.
 *
 * @module
 */
const MIB = 1024 * 1024;

/** The share of the limit from which on memory is short. */
const SHORT = 0.85;
/**
 * The share of the limit that memory outside of the JavaScript heap has then, if
 * messages that are assembled have a part in it. Else it is garbage.
 */
const NATIVE = 0.5;

/** What is looked at, in bytes. */
export type MemoryUsage = Pick<
  Deno.MemoryUsage,
  "rss" | "heapTotal" | "external"
>;

export class MemoryWatch {
  /** 0 until it is known. */
  #limit: number;
  readonly #usage: () => MemoryUsage;

  /**
   * @param limit Bytes the process may have; without it, what the container or
   * the machine has, where Deno is permitted to say so
   * (`--allow-sys=systemMemoryInfo`). 0 for no limit.
   */
  constructor(
    limit?: number,
    usage: () => MemoryUsage = Deno.memoryUsage,
  ) {
    this.#limit = limit ?? 0;
    this.#usage = usage;
    if (limit === undefined) this.#readLimit().catch(() => {});
  }

  /** Bytes that may wait for all upstreams together. */
  get mostWaiting(): number {
    const most = 256 * MIB;
    return this.#limit === 0 ? most : Math.min(most, this.#limit / 4);
  }

  /** Whether the process is near its limit. */
  isShort(): boolean {
    return this.#limit > 0 && this.#usage().rss > SHORT * this.#limit;
  }

  /** Whether it is, and messages that are assembled may be the reason. */
  isFlooded(): boolean {
    if (!this.isShort()) return false;
    const { rss, heapTotal, external } = this.#usage();
    return rss - heapTotal - external > NATIVE * this.#limit;
  }

  async #readLimit(): Promise<void> {
    const kind = "systemMemoryInfo";
    const { state } = await Deno.permissions.query({ name: "sys", kind });
    if (state !== "granted") return;
    // It takes some milliseconds to load.
    const { default: process } = await import("node:process");
    const { total } = Deno.systemMemoryInfo();
    this.#limit = Math.min(process.constrainedMemory(), total);
  }
}
