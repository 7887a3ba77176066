/**
 * `sameorigin completion`: prints a script that completes commands and options in
 * a shell.
 *
 * @module
 */
import { didYouMean, quote } from "../../config/words.ts";
import { UsageError } from "../arguments.ts";
import { OK } from "../exit_code.ts";
import type { Terminal } from "../terminal.ts";
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import { type Shell, SHELLS } from "./words.ts";
import { zshCompletion } from "./zsh.ts";

const SCRIPTS: Readonly<Record<Shell, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/**
 * Prints the script.
 *
 * @throws {UsageError} for a shell that there is none for.
 */
export function completion(shell: string, terminal: Terminal): number {
  const known = SHELLS.find((name) => name === shell);
  if (known === undefined) {
    throw new UsageError(
      `there is no completion for ${quote(shell)}${didYouMean(shell, SHELLS)}`,
      `It is one of: ${SHELLS.join(", ")}.`,
    );
  }
  terminal.print(SCRIPTS[known]());
  return OK;
}
