/**
 * What can be completed, by the table in `commands.ts`.
 *
 * @module
 */
import {
  COMMAND_NAMES,
  type CommandName,
  commandSpec,
  COMMON_OPTIONS,
  OPTION_NAMES,
  type OptionSpec,
  optionSpec,
} from "../commands.ts";

/** The shells that there is a completion for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = typeof SHELLS[number];

/** What stands for an argument in the table, and the words that it may be. */
const ARGUMENTS = new Map<string, readonly string[]>([
  ["[COMMAND]", COMMAND_NAMES],
  ["METHOD", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]],
  ["SHELL", SHELLS],
]);

/** An argument of a command. */
export interface Argument {
  /** As the help shows it, without brackets. */
  readonly name: string;
  /** The words that it may be; empty where it may be anything. */
  readonly words: readonly string[];
}

/** The arguments of a command, in their order. */
export function argumentsOf(command: CommandName): Argument[] {
  return commandSpec(command).arguments.map((name) => ({
    name: name.replace(/[[\]]/g, ""),
    words: ARGUMENTS.get(name) ?? [],
  }));
}

/** The options of a command, those that every command takes included. */
export function optionsOf(command: CommandName): OptionSpec[] {
  return [...commandSpec(command).options, ...COMMON_OPTIONS].map(optionSpec);
}

/** The options that a value follows. */
export function valuedOptions(): OptionSpec[] {
  return OPTION_NAMES.map(optionSpec)
    .filter(({ value }) => value !== undefined);
}

/** Whether an option's value is the name of a file. */
export function takesFile({ value }: OptionSpec): boolean {
  return value === "FILE";
}

/** `--config`, and `-c` where there is a letter. */
export function flagsOf({ name, letter }: OptionSpec): string[] {
  return letter === undefined ? [`--${name}`] : [`-${letter}`, `--${name}`];
}

/** A text in single quotes, for bash and zsh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
