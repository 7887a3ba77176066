/**
 * `sameorigin man`: prints the manual page, made from the table in `commands.ts`,
 * in the `man` macros that every Unix has.
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
} from "./commands.ts";
import { OK } from "./exit_code.ts";
import type { Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Prints it. */
export function man(terminal: Terminal): number {
  terminal.print(manPage());
  return OK;
}

/** The page, in roff. */
export function manPage(): string {
  return [
    `.TH SAMEORIGIN 1 "" "sameorigin ${escaped(VERSION)}" "User Commands"`,
    ".SH NAME",
    "sameorigin \\- a reverse proxy that puts a frontend, its API and its",
    "WebSocket server behind one origin",
    ".SH SYNOPSIS",
    ".B sameorigin",
    ".RI [ COMMAND ]",
    ".RI [ OPTIONS ]",
    ".SH DESCRIPTION",
    ...commandSpec("run").details.map(escaped),
    ".SH COMMANDS",
    ...COMMAND_NAMES.flatMap(commandLines),
    ".SH OPTIONS",
    ...OPTION_NAMES.flatMap((name) => optionLines(optionSpec(name), name)),
    ".SH FILES",
    ".TP",
    ".I config.yaml",
    "The config, in the working directory. Its directives are named as in nginx;",
    "the README describes them.",
    ".SH EXIT STATUS",
    ".TP",
    ".B 0",
    "Success, or a shutdown by one signal.",
    ".TP",
    ".B 1",
    "A failure while running, no proxy that answers, or something that doctor found.",
    ".TP",
    ".B 2",
    "A mistake in the config or on the command line.",
    ".SH EXAMPLES",
    ...COMMAND_NAMES.flatMap((name) =>
      commandSpec(name).examples.flatMap(({ line, says }) => [
        ".TP",
        escaped(capital(says)),
        bold(line),
      ])
    ),
    "",
  ].join("\n");
}

function commandLines(name: CommandName): string[] {
  const spec = commandSpec(name);
  const options = spec.options.map((option) => flagOf(optionSpec(option)));
  const words = [
    bold(name),
    ...spec.arguments.map((it) => italic(it)),
    ...options.map((it) => `[${it}]`),
  ];
  // The page begins with what is said about run.
  const details = name === "run" ? [] : spec.details.map(escaped);
  return [
    ".TP",
    words.join(" "),
    `${escaped(capital(spec.summary))}.`,
    ...details,
  ];
}

function optionLines(
  option: OptionSpec,
  name: (typeof OPTION_NAMES)[number],
): string[] {
  const takers = COMMON_OPTIONS.includes(name)
    ? "every command"
    : COMMAND_NAMES.filter((it) => commandSpec(it).options.includes(name))
      .join(", ");
  return [
    ".TP",
    [
      ...(option.letter === undefined ? [] : [`${bold(`-${option.letter}`)},`]),
      flagOf(option),
    ].join(" "),
    `${escaped(capital(option.summary))}. Of: ${escaped(takers)}.`,
  ];
}

function flagOf({ name, value }: OptionSpec): string {
  const flag = bold(`--${name}`);
  return value === undefined ? flag : `${flag} ${italic(value)}`;
}

function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

function italic(text: string): string {
  return `\\fI${escaped(text)}\\fR`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A text in which roff sees nothing of its own. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    // At the start of a line they would be a request.
    .replace(/^[.']/, "\\&$&");
}
