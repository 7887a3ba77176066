/**
 * What other programs call the commands and options.
 *
 * @module
 */
import type { CommandName } from "./commands.ts";

/** What other programs call these commands. */
export const COMMANDS_ELSEWHERE: ReadonlyMap<string, CommandName> = new Map([
  ["start", "run"],
  ["serve", "run"],
  ["up", "run"],
  ["test", "check"],
  ["validate", "check"],
  ["lint", "check"],
  ["status", "health"],
]);

/** What other programs call these options, without the dashes. */
export const OPTIONS_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["p", "--listen"],
  ["port", "--listen"],
  ["bind", "--listen"],
  ["address", "--listen"],
  ["f", "--config"],
  ["file", "--config"],
  ["conf", "--config"],
  ["t", "the command check"],
  ["target", "--to"],
  ["upstream", "--to"],
  ["proxy", "--to"],
  ["v", "--version"],
  ["V", "--version"],
]);
