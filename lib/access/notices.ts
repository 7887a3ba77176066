/**
 * Lines for whoever runs the proxy about what clients do again and again.
 *
 * @module
 */

/** Milliseconds between two lines about the same. */
const INTERVAL = 60_000;

interface Told {
  at: number;
  /** How many lines were omitted since. */
  omitted: number;
}

/** Writes one line in a minute about each subject, and how many it has omitted. */
export class Notices {
  readonly #write: (line: string) => void;
  readonly #told = new Map<string, Told>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /**
   * @param subject One of a few: the places of a config, not what a client says.
   * @param text The line, made only if it is written.
   */
  tell(subject: string, text: () => string): void {
    const now = performance.now();
    const told = this.#told.get(subject);
    if (told !== undefined && now - told.at < INTERVAL) {
      told.omitted++;
      return;
    }
    const more = told === undefined || told.omitted === 0
      ? ""
      : ` (and ${told.omitted} more since the last such line)`;
    this.#told.set(subject, { at: now, omitted: 0 });
    this.#write(text() + more);
  }
}
