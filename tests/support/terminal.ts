/**
 * A terminal that keeps what is written to it.
 *
 * @module
 */
import { dispatch } from "../../lib/cli/dispatch.ts";
import { style, type Terminal } from "../../lib/cli/terminal.ts";

export interface KeptTerminal extends Terminal {
  /** Standard output so far. */
  readonly output: string;
  /** Standard error so far. */
  readonly notes: string;
}

/** Makes one, without colours unless asked for. */
export function keptTerminal(coloured = false): KeptTerminal {
  const written = { output: "", notes: "" };
  return {
    print: (text) => void (written.output += text),
    note: (text) => void (written.notes += text),
    queueNotes() {},
    flush: () => Promise.resolve(),
    outputIsTerminal: false,
    outputStyle: style(coloured),
    noteStyle: style(coloured),
    get output() {
      return written.output;
    },
    get notes() {
      return written.notes;
    },
  };
}

/** Runs a command in this process: not for `run`, which listens to signals. */
export async function command(
  ...argv: string[]
): Promise<{ code: number; output: string; notes: string }> {
  const terminal = keptTerminal();
  const code = await dispatch(argv, terminal);
  return { code, output: terminal.output, notes: terminal.notes };
}
