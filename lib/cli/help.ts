/**
 * `sameorigin help`: prints the table in `commands.ts`.
 *
 * @module
 */
import {
  COMMAND_NAMES,
  type CommandName,
  commandSpec,
  COMMON_OPTIONS,
  type OptionName,
  type OptionSpec,
  optionSpec,
} from "./commands.ts";
import { OK } from "./exit_code.ts";
import { columns, type Style, type Terminal } from "./terminal.ts";

/** Prints the help about one command, or the overview. */
export function help(
  about: CommandName | undefined,
  terminal: Terminal,
): number {
  const style = terminal.outputStyle;
  terminal.print(about === undefined ? overview(style) : topic(about, style));
  return OK;
}

function overview(style: Style): string {
  const commands = COMMAND_NAMES.map((name) => [
    [name, ...commandSpec(name).arguments].join(" "),
    commandSpec(name).summary,
  ]);
  const examples = [
    ...commandSpec("run").examples,
    ...commandSpec("explain").examples.slice(0, 1),
  ];
  return [
    "sameorigin: a reverse proxy that puts a frontend, its API and its\n" +
    "WebSocket server behind one origin\n",
    section("Usage", "  sameorigin [COMMAND] [OPTIONS]\n", style),
    section("Commands", columns(commands, [style.strong]), style),
    section(
      "Options of run",
      optionRows(commandSpec("run").options, style),
      style,
    ),
    section("Everywhere", optionRows(COMMON_OPTIONS, style), style),
    section("Examples", exampleLines(examples, style), style),
    "More about a command: sameorigin help COMMAND\n",
  ].join("\n");
}

function topic(name: CommandName, style: Style): string {
  const spec = commandSpec(name);
  const command = name === "run" ? "[run]" : name;
  const options = spec.options.length === 0 ? [] : ["[OPTIONS]"];
  const usage = ["sameorigin", command, ...spec.arguments, ...options];
  const all: readonly OptionName[] = [...spec.options, ...COMMON_OPTIONS];
  const details = spec.details.map((line) => line + "\n").join("");
  return [
    `${style.strong(name)}: ${spec.summary}\n${details}`,
    section("Usage", `  ${usage.join(" ")}\n`, style),
    section("Options", optionRows(all, style), style),
    section("Examples", exampleLines(spec.examples, style), style),
  ].join("\n");
}

function section(title: string, body: string, style: Style): string {
  return `${style.strong(`${title}:`)}\n${body}`;
}

function optionRows(names: readonly OptionName[], style: Style): string {
  const rows = names.map((name) => {
    const spec = optionSpec(name);
    return [flags(spec), spec.summary];
  });
  return columns(rows, [style.strong]);
}

function flags({ name, letter, value }: OptionSpec): string {
  const short = letter === undefined ? "    " : `-${letter}, `;
  return `${short}--${name}${value === undefined ? "" : ` ${value}`}`;
}

function exampleLines(
  examples: readonly { line: string; says: string }[],
  style: Style,
): string {
  return examples
    .map(({ line, says }) => `  ${style.faint(`# ${says}`)}\n  ${line}\n`)
    .join("");
}
