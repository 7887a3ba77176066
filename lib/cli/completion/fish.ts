/**
 * Completion for fish.
 *
 * @module
 */
import {
  COMMAND_NAMES,
  type CommandName,
  commandSpec,
  type OptionSpec,
} from "../commands.ts";
import {
  argumentsOf,
  flagsOf,
  optionsOf,
  takesFile,
  valuedOptions,
} from "./words.ts";

/** The script, for `~/.config/fish/completions/sameorigin.fish`. */
export function fishCompletion(): string {
  const lines = [
    "# fish completion of sameorigin.",
    "# Load it with: sameorigin completion fish | source",
    "# Whether the command on the line is one of these; the empty one is none.",
    "function __sameorigin_is",
    "  set -l command ''",
    "  set -l words (commandline -opc)",
    "  set -e words[1]",
    "  set -l skip no",
    "  for word in $words",
    "    if test $skip = yes",
    "      set skip no",
    "      continue",
    "    end",
    "    switch $word",
    `      case ${valuedOptions().flatMap(flagsOf).join(" ")}`,
    "        set skip yes",
    "      case '-*'",
    "      case '*'",
    "        set command $word",
    "        break",
    "    end",
    "  end",
    '  contains -- "$command" $argv',
    "end",
    "complete -c sameorigin -f",
    ...COMMAND_NAMES.map((name) =>
      line('__sameorigin_is ""', [
        "-a",
        name,
        "-d",
        quoted(commandSpec(name).summary),
      ])
    ),
  ];
  for (const name of COMMAND_NAMES) {
    const condition = `__sameorigin_is ${name === "run" ? 'run ""' : name}`;
    for (const option of optionsOf(name)) {
      lines.push(line(condition, optionWords(option)));
    }
    lines.push(...argumentLines(name));
  }
  return lines.join("\n") + "\n";
}

function line(condition: string, words: readonly string[]): string {
  return `complete -c sameorigin -n ${quoted(condition)} ${words.join(" ")}`;
}

function optionWords(option: OptionSpec): string[] {
  const { name, letter, value, choices, summary } = option;
  const words = ["-l", name, "-d", quoted(summary)];
  if (letter !== undefined) words.unshift("-s", letter);
  if (value === undefined) return words;
  words.push(takesFile(option) ? "-rF" : "-x");
  if (choices !== undefined) words.push("-a", quoted(choices.join(" ")));
  return words;
}

function argumentLines(command: CommandName): string[] {
  return argumentsOf(command).filter(({ words }) => words.length > 0)
    .map(({ words }) => {
      // `help` has its own name among the words.
      const others = words.filter((word) => word !== command).join(" ");
      return line(
        `__sameorigin_is ${command}; ` +
          `and not __fish_seen_subcommand_from ${others}`,
        ["-a", quoted(words.join(" "))],
      );
    });
}

/** A text in single quotes, in which fish knows two escapes. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
