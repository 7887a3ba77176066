/**
 * Parsing the command line by the table in `commands.ts`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { withDashValues } from "./dash_values.ts";
import { COMMANDS_ELSEWHERE, OPTIONS_ELSEWHERE } from "./elsewhere.ts";
import { didYouMean, quote } from "../config/words.ts";
import {
  COMMAND_NAMES,
  type CommandName,
  commandSpec,
  COMMON_OPTIONS,
  isCommand,
  OPTION_NAMES,
  type OptionName,
  type OptionSpec,
  optionSpec,
} from "./commands.ts";

/** The values of all options; those that the command does not take are unset. */
export interface Options {
  readonly config: string | undefined;
  readonly listen: string | undefined;
  readonly certificate: string | undefined;
  readonly admin: string | undefined;
  readonly logFormat: "combined" | "json" | "off" | undefined;
  readonly dev: boolean;
  readonly watch: boolean;
  /** As written: `PREFIX=ADDRESS`. */
  readonly to: readonly string[];
  /** As written: `Name: value`. */
  readonly header: readonly string[];
  readonly from: string | undefined;
  readonly recorded: string | undefined;
  readonly json: boolean;
  readonly once: boolean;
}

/** A valid command line. */
export interface Invocation {
  readonly command: CommandName;
  /** At most as many as the command has. */
  readonly arguments: readonly string[];
  readonly options: Options;
}

/** An invalid command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  constructor(
    /** What is wrong, in one line. */
    message: string,
    /** What to do about it, in one line. */
    readonly hint: string,
  ) {
    super(message);
  }
}

/**
 * Parses a command line.
 *
 * @param argv Without the program's name.
 * @throws {UsageError} with the first mistake in it.
 */
export function parseArguments(argv: readonly string[]): Invocation {
  const specs = OPTION_NAMES.map(optionSpec);
  const valued = specs.filter((spec) => spec.value !== undefined);
  const unknown: string[] = [];
  const parsed: Record<string, unknown> & { _: (string | number)[] } =
    parseArgs(withDashValues(argv, valued.map(({ name }) => name)), {
      alias: Object.fromEntries(
        specs.flatMap(({ name, letter }) =>
          letter === undefined ? [] : [[name, letter]]
        ),
      ),
      boolean: specs.filter((spec) => spec.value === undefined)
        .map((spec) => spec.name),
      string: ["_", ...valued.map((spec) => spec.name)],
      // All are collected, to detect one that is given twice.
      collect: valued.map((spec) => spec.name),
      unknown(arg: string, key?: string) {
        if (key === undefined) return true;
        unknown.push(arg);
        return false;
      },
    });

  const [first, ...rest] = parsed._.map(String);
  const command = first ?? "run";
  if (unknown[0] !== undefined) throw unknownOption(unknown[0], command);
  // Before the command is checked: parseArgs takes an empty value for one.
  for (const spec of valued) {
    const value = given(parsed[spec.name]);
    if (Array.isArray(value) && value.includes("")) throw missingValue(spec);
  }
  if (!isCommand(command)) throw unknownCommand(command);
  const spec = commandSpec(command);
  const allowed: readonly OptionName[] = [...spec.options, ...COMMON_OPTIONS];
  const values = new Map<OptionName, string[] | true>();
  for (const name of OPTION_NAMES) {
    const value = given(parsed[optionSpec(name).name]);
    if (value === null) continue;
    checkOption(optionSpec(name), value, command, allowed.includes(name));
    values.set(name, value);
  }

  const text = (name: OptionName) => {
    const value = values.get(name);
    return Array.isArray(value) ? value : [];
  };
  const options: Options = {
    config: text("config")[0],
    listen: text("listen")[0],
    certificate: text("certificate")[0],
    admin: text("admin")[0],
    // Its choices are in the table.
    logFormat: text("logFormat")[0] as Options["logFormat"],
    dev: values.has("dev"),
    watch: values.has("watch"),
    to: text("to"),
    header: text("header"),
    from: text("from")[0],
    recorded: text("recorded")[0],
    json: values.has("json"),
    once: values.has("once"),
  };
  if (values.has("help")) {
    const about = first === undefined ? [] : [command];
    return { command: "help", arguments: about, options };
  }
  if (values.has("version")) {
    return { command: "version", arguments: [], options };
  }
  checkCount(command, rest, options);
  if (options.to.length > 0 && options.config !== undefined) {
    throw new UsageError(
      "--to and --config can't be given together",
      "Write the location into the config, or omit --config.",
    );
  }
  if (options.watch && (options.to.length > 0 || options.config === "-")) {
    throw new UsageError(
      "--watch needs a config file",
      "Save the config as a file, and name it with --config.",
    );
  }
  return { command, arguments: rest, options };
}

/** The values of an option, true for a given flag, null if it is not given. */
function given(value: unknown): string[] | true | null {
  if (value === true) return true;
  if (!Array.isArray(value) || value.length === 0) return null;
  return value.map(String);
}

function checkOption(
  spec: OptionSpec,
  value: string[] | true,
  command: CommandName,
  allowed: boolean,
): void {
  const { name, choices } = spec;
  if (!allowed) {
    throw new UsageError(
      `${command} takes no option --${name}`,
      `It is for ${takersOf(spec)}. ${tryHelp(command)}`,
    );
  }
  if (value === true) return;
  if (value.length > 1 && spec.repeatable !== true) {
    throw new UsageError(
      `--${name} is given ${value.length === 2 ? "twice" : "several times"}`,
      "Give it once.",
    );
  }
  for (const word of value) {
    if (choices === undefined || choices.includes(word)) continue;
    throw new UsageError(
      `--${name} can't be ${quote(word)}${didYouMean(word, choices)}`,
      `It is one of: ${choices.join(", ")}.`,
    );
  }
}

function missingValue({ name, value }: OptionSpec): UsageError {
  return new UsageError(
    `--${name} needs a value`,
    `Write it as: --${name} ${value}`,
  );
}

function checkCount(
  command: CommandName,
  rest: readonly string[],
  { recorded }: Options,
): void {
  const wanted = recorded === undefined ? commandSpec(command).arguments : [];
  const missing = wanted[rest.length];
  if (missing !== undefined && !missing.startsWith("[")) {
    const [only] = rest;
    // The method is what people forget.
    const hint = command === "explain" && only !== undefined &&
        /^\/|:\/\//.test(only)
      ? `Did you mean: sameorigin explain GET ${only}`
      : tryHelp(command);
    throw new UsageError(`${command} needs ${missing}`, hint);
  }
  const surplus = rest[wanted.length];
  if (surplus !== undefined) {
    throw new UsageError(
      `${command} takes no argument ${quote(surplus)}`,
      tryHelp(command),
    );
  }
  const topic = rest[0];
  if (command === "help" && topic !== undefined && !isCommand(topic)) {
    throw unknownCommand(topic);
  }
}

/** The commands that take an option, in words. */
function takersOf({ name }: OptionSpec): string {
  const takers = COMMAND_NAMES.filter((command) =>
    commandSpec(command).options
      .some((option) => optionSpec(option).name === name)
  );
  return new Intl.ListFormat("en").format(takers);
}

function unknownCommand(word: string): UsageError {
  let hint = tryHelp();
  if (/\.ya?ml$/.test(word)) {
    hint = `Name a config with: sameorigin -c ${word}`;
  } else if (/^(https?:\/\/)?[\w.-]+:\d+$/.test(word)) {
    hint = `Name what is behind the proxy with: sameorigin --to /=${word}`;
  } else if (word === "trust" || word === "untrust") {
    hint = `For deno task dev --https, in the repository: deno task ${word}`;
  }
  const meant = COMMANDS_ELSEWHERE.get(word);
  const guess = meant === undefined
    ? didYouMean(word, COMMAND_NAMES)
    : ` (did you mean ${quote(meant)}?)`;
  return new UsageError(`there is no command ${quote(word)}${guess}`, hint);
}

function unknownOption(arg: string, command: string): UsageError {
  const written = arg.replace(/=.*$/s, "");
  const word = written.replace(/^-+/, "");
  const specs = OPTION_NAMES.map(optionSpec);
  // parseArgs reports `--listen=` as an unknown option.
  const named = specs.find(({ name }) => name === word);
  if (named?.value !== undefined && written.startsWith("--")) {
    return missingValue(named);
  }
  const meant = OPTIONS_ELSEWHERE.get(word);
  const guess = meant === undefined
    ? didYouMean(
      word,
      specs.map(({ name }) => name),
      (name) => `--${name}`,
    )
    : ` (did you mean ${meant}?)`;
  const about = isCommand(command) ? command : undefined;
  return new UsageError(
    `there is no option ${quote(written)}${guess}`,
    tryHelp(about),
  );
}

function tryHelp(command?: CommandName): string {
  return command === undefined
    ? "See: sameorigin help"
    : `See: sameorigin help ${command}`;
}
