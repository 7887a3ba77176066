/**
 * The terminal: only here does text leave the process. Output goes to standard
 * output; messages for people go to standard error, because the standard output
 * of `run` is the access log.
 *
 * @module
 */
import { LineQueue, LogOutput, type OnFailure } from "../observe/log_output.ts";
import { flushLog } from "../server/log_flush.ts";

/** Adds the escapes of a style to a word; none without colours. */
type Mark = (word: string) => string;

/** The styles by meaning. */
export interface Style {
  readonly strong: Mark;
  readonly faint: Mark;
  readonly good: Mark;
  readonly bad: Mark;
  readonly link: Mark;
}

/** The output of a command. */
export interface Terminal {
  /**
   * Writes to standard output.
   *
   * @throws {OutputError} if it can't be written. Not if the reader has closed
   * the pipe, as in `sameorigin schema | head`.
   */
  print(text: string): void;
  /** Writes to standard error. Never throws: an error could not be shown. */
  note(text: string): void;
  /**
   * Makes {@linkcode note} asynchronous, with a bounded queue: a reader that has
   * stopped reading must not stop the running proxy.
   *
   * @param failed As of `LogOutput`.
   */
  queueNotes(failed: OnFailure): void;
  /** Writes the queued text, for at most a second. */
  flush(): Promise<void>;
  /** Whether standard output is a terminal. */
  readonly outputIsTerminal: boolean;
  /** For {@linkcode print}. */
  readonly outputStyle: Style;
  /** For {@linkcode note}. */
  readonly noteStyle: Style;
}

/** Standard output can't be written, for example to a full disk. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/** Characters that wait for a reader of standard error that has stopped reading. */
const QUEUE_LIMIT = 1024 * 1024;

/** The terminal of this process. */
export function systemTerminal(): Terminal {
  const outputIsTerminal = Deno.stdout.isTerminal();
  const noteStyle = style(Deno.stderr.isTerminal() && wantsColour());
  let queue: LineQueue | null = null;
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
      // A synchronous write would wait for the queue's pending one, in Deno 2.9.6.
      if (queue !== null) return queue.add(text);
      try {
        writeAll(Deno.stderr, text);
      } catch {
        // There is no other place to show it.
      }
    },
    queueNotes(failed) {
      const output = new LogOutput(Deno.stderr, failed);
      queue = new LineQueue((bytes) => output.write(bytes), {
        limit: QUEUE_LIMIT,
        delay: 0,
        lostLines: (count) =>
          failureLine(
            `${counted(count, "line")} lost: standard error was not read`,
            noteStyle,
          ),
      });
    },
    async flush() {
      if (queue !== null) await flushLog(queue);
    },
    outputIsTerminal,
    outputStyle: style(outputIsTerminal && wantsColour()),
    noteStyle,
  };
}

/** https://no-color.org: any value of NO_COLOR but the empty one turns colours off. */
function wantsColour(): boolean {
  return (Deno.env.get("NO_COLOR") ?? "") === "" &&
    Deno.env.get("TERM") !== "dumb";
}

/** The styles as ANSI escapes (ECMA-48 SGR), or without any. */
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
 * @param marks One for each column, applied after the padding is measured.
 * @param indent The start of each line.
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

/** Prints one line about a failure, with the program's name. */
export function failure(terminal: Terminal, message: string): void {
  terminal.note(failureLine(message, terminal.noteStyle));
}

function failureLine(message: string, style: Style): string {
  return `${style.bad("sameorigin:")} ${message}\n`;
}

/**
 * A text of unknown origin as one line that can't control the terminal: control
 * characters (C0, DEL, C1), line separators and the characters that change the
 * direction of text become spaces.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, " ");
}

const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

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
