/**
 * Noticing that a config file has changed, in all the ways in which files do:
 * written in place, replaced by another of the same name as editors do, or
 * behind a link as Kubernetes does with a ConfigMap.
 *
 * @module
 */
import { dirname, resolve } from "node:path";

/** Changes so near to each other, in milliseconds, are one. */
const QUIET = 100;

/** Milliseconds after which a file that changes all the time is looked at anyway. */
const PATIENCE = 1_000;

/** Calls back some time after each change, and now and then without one. */
export class FileWatch implements Disposable {
  readonly #path: string;
  readonly #changed: () => Promise<void>;
  readonly #failed: (why: string) => void;
  #watcher: Deno.FsWatcher | undefined;
  /** What is watched. */
  #places = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the first change came that was not told yet. */
  #since: number | null = null;
  #disposed = false;

  /**
   * @param changed Must not throw.
   * @param failed Watching is not possible, in words; there are no calls then.
   */
  constructor(
    path: string,
    changed: () => Promise<void>,
    failed: (why: string) => void,
  ) {
    this.#path = resolve(path);
    this.#changed = changed;
    this.#failed = failed;
    this.#arm();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  /** Watches what the path leads to by now. */
  #arm(): void {
    const places = placesOf(this.#path);
    if (places === null || places.key === this.#places) return;
    this.#places = places.key;
    this.#watcher?.close();
    try {
      this.#watcher = Deno.watchFs(places.paths, { recursive: false });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return this.#failed(`cannot watch ${this.#path}: ${why}`);
    }
    this.#follow(this.#watcher);
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind } of watcher) {
      if (kind !== "access") this.#note();
    }
  }

  #note(): void {
    const now = performance.now();
    this.#since ??= now;
    const left = Math.min(QUIET, this.#since + PATIENCE - now);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), Math.max(left, 0));
  }

  async #tell(): Promise<void> {
    this.#since = null;
    // First, so that what changes from here on is noticed.
    this.#arm();
    if (!this.#disposed) await this.#changed();
  }
}

/**
 * The folder of the file, that of what it links to, and the file itself: a
 * single file mounted into a container changes unseen by the folder. Null while
 * it is gone: the folders that are watched will tell when it is back.
 */
function placesOf(path: string): { paths: string[]; key: string } | null {
  try {
    const real = Deno.realPathSync(path);
    const { ino } = Deno.statSync(real);
    const paths = [...new Set([dirname(path), dirname(real), real])];
    return { paths, key: JSON.stringify([ino, ...paths]) };
  } catch {
    return null;
  }
}
