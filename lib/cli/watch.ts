/**
 * Watching a config file, and the files that it names, through all the ways in
 * which they change: written in place, replaced by a rename, or behind a link
 * that is replaced, their own or one of a directory above, as of a release or of
 * a Kubernetes volume.
 *
 * @module
 */
import { dirname, isAbsolute, join, parse, resolve, sep } from "node:path";

/** Milliseconds without another change after which changes are reported. */
const QUIET_DELAY = 100;

/** Milliseconds after which a file that keeps changing is reported anyway. */
const MAX_DELAY = 1_000;

/**
 * Milliseconds between two looks at the file: not every file system has events
 * (NFS, FUSE, a bind mount from another system), and watching may fail.
 */
const POLL_INTERVAL = 2_000;

/** Milliseconds between two warnings that the file can't be watched. */
const WARNING_INTERVAL = 60_000;

/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;

export interface FileWatchOptions {
  /** Called after each change, and at times without one. Must not throw. */
  readonly changed: () => Promise<void>;
  /** Takes one line for the error log. */
  readonly warn: (line: string) => void;
  /** More files, existing or not: asked for at each look. */
  readonly others?: () => readonly string[];
  /** For tests. */
  readonly watchFs?: (paths: string[]) => Deno.FsWatcher;
  /** In milliseconds; for tests. */
  readonly pollInterval?: number;
}

/** Watches files until it is disposed. */
export class FileWatch implements AsyncDisposable {
  readonly #path: string;
  readonly #options: FileWatchOptions;
  readonly #pollInterval: number;
  readonly #poll: ReturnType<typeof setInterval>;
  #way: Way;
  /** Null if watching has failed. */
  #watcher: Deno.FsWatcher | null = null;
  /** Settles when the last watcher has no more events. */
  #ended: Promise<void> = Promise.resolve();
  #lastWarning = -Infinity;
  /** The file that was reported as replaced outside of its mount. */
  #stale = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Looks and reports, one after the other. */
  #last: Promise<void> = Promise.resolve();
  /** When the first change came that was not reported yet. */
  #since: number | null = null;
  #disposed = false;

  /** @param path Of the file, existing or not. */
  static async start(
    path: string,
    options: FileWatchOptions,
  ): Promise<FileWatch> {
    const absolute = resolve(path);
    const paths = [absolute, ...options.others?.() ?? []];
    return new FileWatch(absolute, options, await waysTo(paths));
  }

  private constructor(path: string, options: FileWatchOptions, way: Way) {
    this.#path = path;
    this.#options = options;
    this.#pollInterval = options.pollInterval ?? POLL_INTERVAL;
    this.#way = way;
    this.#open();
    this.#poll = setInterval(
      () => this.#inTurn(() => this.#look()),
      this.#pollInterval,
    );
    // The file may have changed since it was read.
    this.#note();
  }

  /** Resolves when what was under way is done, too. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    this.#watcher?.close();
    await this.#last;
    await this.#ended;
  }

  #inTurn(work: () => Promise<void>): void {
    this.#last = this.#last.then(() => this.#disposed ? undefined : work());
  }

  #waysNow(): Promise<Way> {
    return waysTo([this.#path, ...this.#options.others?.() ?? []]);
  }

  async #look(): Promise<void> {
    const { key } = await this.#waysNow();
    if (this.#watcher === null || key !== this.#way.key) this.#note();
  }

  #note(): void {
    if (this.#disposed) return;
    const now = performance.now();
    this.#since ??= now;
    const left = Math.min(QUIET_DELAY, this.#since + MAX_DELAY - now);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#since = null;
      this.#inTurn(() => this.#report());
    }, Math.max(left, 0));
  }

  async #report(): Promise<void> {
    // Before the file is read, so that no later change is missed.
    await this.#follow();
    this.#warnOfMount();
    await this.#options.changed();
  }

  /**
   * Watches the way as it is now, with a new watcher each time: the old one has
   * lost a directory that was renamed, even if that has its name again.
   */
  async #follow(): Promise<void> {
    this.#way = await this.#waysNow();
    // It may change before it is watched; if that goes on, the next look finds it.
    for (let tries = 3; tries > 0; tries--) {
      this.#watcher?.close();
      this.#watcher = null;
      // Deno 2.9.6 counts the watchers of a path: one that is opened before the
      // last has ended gets no new watch from the system.
      await this.#ended;
      if (this.#disposed) return;
      this.#open();
      const { placesKey } = this.#way;
      this.#way = await this.#waysNow();
      if (this.#way.placesKey === placesKey) return;
    }
  }

  #open(): void {
    const { watchFs = watchFlat } = this.#options;
    try {
      this.#watcher = watchFs([...this.#way.places]);
      this.#ended = this.#read(this.#watcher);
    } catch (error) {
      this.#warnOfFailure(error);
    }
  }

  async #read(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const { kind, paths, flag } of watcher) {
        if (kind === "access") continue;
        // A directory on the way, such as /tmp, has many other entries.
        const onTheWay = flag === "rescan" || paths.length === 0 ||
          paths.some((path) => this.#way.entries.has(path));
        if (onTheWay) this.#note();
      }
    } catch (error) {
      if (watcher !== this.#watcher) return;
      this.#watcher = null;
      this.#warnOfFailure(error);
    }
  }

  #warnOfFailure(error: unknown): void {
    // It was deleted after it was looked up: what comes next is looked up again.
    if (error instanceof Deno.errors.NotFound) return;
    const now = performance.now();
    if (this.#disposed || now - this.#lastWarning < WARNING_INTERVAL) return;
    this.#lastWarning = now;
    const why = error instanceof Error ? error.message : String(error);
    this.#options.warn(
      `cannot watch ${this.#path}: ${why}; it is checked every ` +
        `${this.#pollInterval / 1000} s instead`,
    );
  }

  /**
   * A single file mounted into a container keeps its old content when a rename
   * outside replaces it: the mount refers to the file, not to its name.
   */
  #warnOfMount(): void {
    const { file } = this.#way;
    if (file === null || file.nlink !== 0) return;
    const identity = `${file.dev} ${file.ino}`;
    if (this.#stale === identity) return;
    this.#stale = identity;
    this.#options.warn(
      `${this.#path} was replaced outside of its mount, which still shows the ` +
        "old file: mount its directory instead",
    );
  }
}

function watchFlat(paths: string[]): Deno.FsWatcher {
  return Deno.watchFs(paths, { recursive: false });
}

/** How a path leads to its file at the moment. */
interface Way {
  /** Each name that is looked up, in the directory that really has it. */
  readonly entries: ReadonlySet<string>;
  /** The directories and the file to watch. */
  readonly places: ReadonlySet<string>;
  /** Changes with the places, and with the directories and the file there. */
  readonly placesKey: string;
  /** Changes with the places, the links' targets, and the file. */
  readonly key: string;
  /** Null if there is no file at the end. */
  readonly file: Deno.FileInfo | null;
}

/** The ways to several files together; `file` is the first one's. */
async function waysTo(paths: readonly string[]): Promise<Way> {
  const ways = await Promise.all(paths.map(wayTo));
  return {
    entries: new Set(ways.flatMap(({ entries }) => [...entries])),
    places: new Set(ways.flatMap(({ places }) => [...places])),
    placesKey: JSON.stringify(ways.map(({ placesKey }) => placesKey)),
    key: JSON.stringify(ways.map(({ key }) => key)),
    file: ways[0]?.file ?? null,
  };
}

/**
 * Follows a path as the system does (POSIX, pathname resolution), and stops at a
 * name that does not exist: the directory without it is watched.
 *
 * @param path Absolute.
 */
async function wayTo(path: string): Promise<Way> {
  const entries = new Set<string>();
  const places = new Set<string>();
  const identities: unknown[] = [];
  const seen: unknown[] = [];
  let { root: at } = parse(path);
  const names = namesIn(path);
  let file: Deno.FileInfo | null = null;
  let links = 0;
  for (let name; (name = names.shift()) !== undefined;) {
    if (name === "..") {
      at = dirname(at);
      continue;
    }
    places.add(at);
    const entry = join(at, name);
    entries.add(entry);
    file = await Deno.lstat(entry).catch(() => null);
    seen.push(entry, file?.dev, file?.ino);
    if (file === null) break;
    if (!file.isSymlink) {
      at = entry;
      identities.push(entry, file.dev, file.ino);
      continue;
    }
    file = null;
    const target = await Deno.readLink(entry).catch(() => null);
    seen.push(target);
    if (target === null || ++links > MAX_LINKS) break;
    if (isAbsolute(target)) ({ root: at } = parse(target));
    names.unshift(...namesIn(target));
  }
  if (file !== null) {
    places.add(at);
    const { size, mtime, ctime, nlink } = file;
    seen.push(size, mtime?.getTime(), ctime?.getTime(), nlink);
  }
  return {
    entries,
    places,
    placesKey: JSON.stringify([...places, identities]),
    key: JSON.stringify(seen),
    file,
  };
}

/** The names in a path, without its root and `.`. */
function namesIn(path: string): string[] {
  const separator = sep === "\\" ? /[/\\]/ : sep;
  return path.slice(parse(path).root.length).split(separator)
    .filter((name) => name !== "" && name !== ".");
}
