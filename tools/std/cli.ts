/**
 * `parseArgs` with the signature of `@std/cli/parse-args`, for networks that
 * do not reach JSR. @std's is a port of minimist that has since moved on: what
 * it does differently is put right here.
 *
 * @module
 */
// @ts-types="@types/minimist"
import minimist from "minimist";

/** The part of @std's options that is used here. */
export interface ParseOptions {
  /** Whether what follows `--` goes to `["--"]` rather than to `_`. */
  "--"?: boolean;
  /** Other names of an option. */
  alias?: Record<string, string | readonly string[]>;
  /** Options without a value. */
  boolean?: string | readonly string[];
  /** Options whose values are all kept, in an array. */
  collect?: string | readonly string[];
  /** Values of options that are not given. */
  default?: Record<string, unknown>;
  /** Options that `--no-NAME` sets to false. */
  negatable?: string | readonly string[];
  /** Whether everything after the first positional argument goes to `_` unread. */
  stopEarly?: boolean;
  /** Options with a value that stays a string; `_` for the positional arguments. */
  string?: string | readonly string[];
  /**
   * Called for an option not named above, and for each positional argument
   * (then without `key`); if it returns false the argument is left out.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The options that were given, and the positional arguments in `_`. */
export interface Args extends Record<string, unknown> {
  _: (string | number)[];
  "--"?: string[];
}

/** Hides `--no-x` from minimist, which would read it as `x: false`. */
const MARK = "\0";

/**
 * Reads a command line.
 *
 * @param args The arguments, without the program's name.
 * @param options What the options are called and which kind they are.
 */
export function parseArgs(
  args: readonly string[],
  options: ParseOptions = {},
): Args {
  const aliases = new Map<string, string[]>();
  for (const [name, value] of Object.entries(options.alias ?? {})) {
    const group = [name, ...list(value)];
    for (const member of group) aliases.set(member, group);
  }
  const named = (names: string | readonly string[] = []) =>
    new Set(list(names).flatMap((name) => aliases.get(name) ?? [name]));
  const boolean = named(options.boolean);
  const string = named(options.string);
  const collect = named(options.collect);
  const negatable = named(options.negatable);
  const known = new Set([...boolean, ...string, ...collect, ...aliases.keys()]);

  const end = args.indexOf("--");
  const marked = args.map((arg, i) => {
    if (end !== -1 && i >= end || !/^--[^=]+$/.test(arg)) return arg;
    if (arg.startsWith("--no-") && !negatable.has(arg.slice(5))) {
      return `--${MARK}${arg.slice(2)}`;
    }
    // @std takes neither as the value of a long option.
    const next = args[i + 1];
    const alone = !options.stopEarly && (next === "-" || next === "") &&
      string.has(arg.slice(2));
    return alone ? `${arg}=` : arg;
  });
  const isUnknown = (arg: string): boolean => {
    const written = arg.replace(MARK, "");
    const key = optionKey(written, known);
    if (key !== undefined && known.has(key)) return true;
    return options.unknown?.(written, key) !== false;
  };

  const parsed = minimist(marked, {
    "--": options["--"] ?? false,
    alias: Object.fromEntries(
      Object.entries(options.alias ?? {}).map(([k, v]) => [k, [...list(v)]]),
    ),
    boolean: [...boolean],
    default: options.default ?? {},
    stopEarly: options.stopEarly ?? false,
    string: [...string],
    unknown: isUnknown,
  });

  const result: Args = { _: parsed._.map(unmarked) };
  for (const [name, value] of Object.entries(parsed)) {
    if (name === "_") continue;
    result[name.replace(MARK, "")] = settled(name, value);
  }
  // A collected option that is not given is an empty list.
  for (const name of collect) {
    if (string.has(name) || boolean.has(name)) result[name] ??= [];
  }
  return result;

  function settled(name: string, value: unknown): unknown {
    if (name === "--" || value === options.default?.[name]) return value;
    if (!collect.has(name)) {
      // Of an option given twice the last value counts.
      return Array.isArray(value) ? value.at(-1) : value;
    }
    if (Array.isArray(value)) return value;
    return value === false && boolean.has(name) ? [] : [value];
  }
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

function unmarked(arg: string | number): string | number {
  return typeof arg === "string" ? arg.replace(MARK, "") : arg;
}

/** The name of the option in `arg`: of several letters the first unknown one. */
function optionKey(arg: string, known: Set<string>): string | undefined {
  const long = /^--([^=]+)/.exec(arg);
  if (long !== null) return long[1];
  const short = /^-([^-=][^=]*)/.exec(arg);
  if (short === null) return undefined;
  return [...short[1] ?? ""].find((letter) => !known.has(letter));
}
