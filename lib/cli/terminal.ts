/**
 * The terminal: the only way words leave the process. What was asked for goes
 * to standard output; messages for people go to standard error, because the
 * standard output of `run` is the access log.
 *
 * @module
 */

/** Marks up a word. Without colour it returns the word as it is. */
export type Mark = (word: string) => string;

/** What colours mean here. */
export interface Style {
  readonly strong: Mark;
  readonly faint: Mark;
  readonly good: Mark;
  readonly bad: Mark;
  readonly link: Mark;
}

/** Where a command writes to. */
export interface Terminal {
  /**
   * Writes to standard output.
   *
   * @throws {OutputError} if it can't be written, but for a reader that has
   * seen enough (`sameorigin schema | head`).
   */
  print(text: string): void;
  /** Writes to standard error. Never throws: there is nobody left to tell. */
  note(text: string): void;
  /** Whether a person sees the standard output. */
  readonly outputIsTerminal: boolean;
  /** For {@linkcode print}. */
  readonly outputStyle: Style;
  /** For {@linkcode note}. */
  readonly noteStyle: Style;
}

/** Standard output can't be written: a full disk, say. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/** The terminal of this process. */
export function systemTerminal(): Terminal {
  const outputIsTerminal = Deno.stdout.isTerminal();
  return {
    print(text) {
      try {
        writeAll(Deno.stdout, text);
      } catch (cause) {
        if (cause instanceof Deno.errors.BrokenPipe) return;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new OutputError(`cannot write to standard output: ${why}`, {
          cause,
        });
      }
    },
    note(text) {
      try {
        writeAll(Deno.stderr, text);
      } catch {
        // Nowhere to say it.
      }
    },
    outputIsTerminal,
    outputStyle: style(outputIsTerminal && wantsColour()),
    noteStyle: style(Deno.stderr.isTerminal() && wantsColour()),
  };
}

/** https://no-color.org: any value of NO_COLOR but the empty one is a no. */
function wantsColour(): boolean {
  return (Deno.env.get("NO_COLOR") ?? "") === "" &&
    Deno.env.get("TERM") !== "dumb";
}

/** The marks, as ANSI escapes (ECMA-48 SGR) or as nothing. */
export function style(coloured: boolean): Style {
  const sgr = (on: number, off: number): Mark =>
    coloured ? (word) => `\x1b[${on}m${word}\x1b[${off}m` : (word) => word;
  return {
    strong: sgr(1, 22),
    faint: sgr(2, 22),
    good: sgr(32, 39),
    bad: sgr(31, 39),
    link: sgr(36, 39),
  };
}

/**
 * Rows of cells as lines with aligned columns. The last cell of a row is not
 * padded, so that no line ends in spaces.
 *
 * @param marks One for each column, put on after the padding is measured.
 * @param indent In front of each line.
 */
export function columns(
  rows: readonly (readonly string[])[],
  marks: readonly Mark[] = [],
  indent = "  ",
): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  const lines = rows.map((row) => {
    const cells = row.map((cell, i) => {
      const marked = marks[i]?.(cell) ?? cell;
      const width = i < row.length - 1 ? widths[i] ?? 0 : 0;
      return marked + " ".repeat(Math.max(0, width - cell.length));
    });
    return (indent + cells.join("  ")).trimEnd() + "\n";
  });
  return lines.join("");
}

/** One line of a message about what went wrong, with the program's name. */
export function failure(terminal: Terminal, message: string): void {
  terminal.note(`${terminal.noteStyle.bad("sameorigin:")} ${message}\n`);
}

/** `1 location`, `5 locations`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function writeAll(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  const bytes = new TextEncoder().encode(text);
  let written = 0;
  while (written < bytes.length) {
    written += stream.writeSync(bytes.subarray(written));
  }
}
