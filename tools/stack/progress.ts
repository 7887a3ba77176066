/**
 * Shows what is being done, and for how long already.
 *
 * @module
 */
import type { Style } from "../../lib/cli/terminal.ts";
import type { Report } from "./report.ts";

/** Where progress is shown. */
export interface Screen {
  write(text: string): void;
  readonly style: Style;
  /** Characters in a line; null where lines can't be written over. */
  readonly width: number | null;
}

/** How often the line of what is being done is written anew, in milliseconds. */
const TICK = 1_000;

/** Who reads a file need not see each second. */
const SLOW_TICK = 15_000;

/** The width to which what is done is padded. */
const COLUMN = 46;

/** Progress as lines of text, with the seconds that have gone by. */
export class ProgressLines implements Report {
  readonly #screen: Screen;
  readonly #now: () => number;
  readonly #running = new Map<string, number>();
  #ticks: ReturnType<typeof setInterval> | undefined;

  /** @param now In milliseconds. */
  constructor(screen: Screen, now = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
  }

  async step<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { good, bad } = this.#screen.style;
    const started = this.#now();
    this.#running.set(what, started);
    if (this.#screen.width === null) this.#line(`  … ${what}`);
    this.#draw();
    this.#tick();
    let mark = bad("✗");
    try {
      const result = await work();
      mark = good("✓");
      return result;
    } finally {
      this.#running.delete(what);
      const took = this.#seconds(started).padStart(6);
      this.#line(`  ${mark} ${what.padEnd(COLUMN)}${took}`);
      this.#tick();
    }
  }

  note(line: string): void {
    this.#line(`  ${line}`);
  }

  /** A line that stays. */
  #line(text: string): void {
    const clear = this.#screen.width === null ? "" : "\r\x1b[2K";
    this.#screen.write(`${clear}${text}\n`);
    this.#draw();
  }

  /** The line that is written over: all that is being done. */
  #draw(): void {
    const { width, write, style } = this.#screen;
    if (width === null || this.#running.size === 0) return;
    const works = Array.from(
      this.#running,
      ([what, started]) => `${what} ${this.#seconds(started)}`,
    );
    const line = `  … ${works.join(", ")}`.slice(0, width - 1);
    write(`\r\x1b[2K${style.faint(line)}`);
  }

  /** Draws again while something is being done. */
  #tick(): void {
    if (this.#running.size === 0) {
      clearInterval(this.#ticks);
      this.#ticks = undefined;
    } else if (this.#ticks === undefined) {
      this.#ticks = this.#screen.width === null
        ? setInterval(() => this.#still(), SLOW_TICK)
        : setInterval(() => this.#draw(), TICK);
    }
  }

  #still(): void {
    for (const [what, started] of this.#running) {
      this.#line(`  … ${what} ${this.#seconds(started)}`);
    }
  }

  #seconds(since: number): string {
    return `${Math.round((this.#now() - since) / 1_000)} s`;
  }
}
