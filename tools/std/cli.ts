/**
 * `parseArgs` with the signature of `@std/cli/parse-args`, for networks that
 * do not reach JSR. Written out here, for the options that are used: a package
 * of npm's would be CommonJS, which costs every start 25 ms.
 *
 * @module
 */

/** The part of @std's options that is used here. */
export interface ParseOptions {
  /** Other names of an option. */
  alias?: Record<string, string | readonly string[]>;
  /** Options without a value. */
  boolean?: string | readonly string[];
  /** Options whose values are all kept, in an array. */
  collect?: string | readonly string[];
  /** Values of options that are not given. */
  default?: Record<string, unknown>;
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
}

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
  const names = new Map<string, string[]>();
  for (const [name, others] of Object.entries(options.alias ?? {})) {
    const group = [name, ...list(others)];
    for (const member of group) names.set(member, group);
  }
  const namesOf = (name: string) => names.get(name) ?? [name];
  const named = (listed: string | readonly string[] = []) =>
    new Set(list(listed).flatMap(namesOf));
  const boolean = named(options.boolean);
  const string = named(options.string);
  const collect = named(options.collect);
  const known = new Set([...boolean, ...string, ...collect, ...names.keys()]);
  const result: Args = { _: [] };

  const end = args.indexOf("--");
  const read = end === -1 ? args : args.slice(0, end);
  for (let i = 0; i < read.length; i++) {
    const arg = read[i] ?? "";
    const next = read[i + 1];
    const [, long, text] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (long !== undefined) {
      if (text !== undefined) set(arg, long, text);
      else if (
        saysWhether(long, next) || takes(long, next) && !next?.startsWith("-")
      ) {
        set(arg, long, next);
        i++;
      } else set(arg, long);
    } else if (/^-[^-]/.test(arg)) {
      if (short(arg, next)) i++;
    } else if (options.unknown?.(arg) !== false) {
      positional(arg);
    }
  }
  if (end !== -1) { for (const arg of args.slice(end + 1)) positional(arg); }

  for (const [name, value] of Object.entries(options.default ?? {})) {
    for (const other of namesOf(name)) result[other] ??= value;
  }
  for (const name of boolean) result[name] ??= collect.has(name) ? [] : false;
  for (const name of collect) result[name] ??= [];
  return result;

  /** `-abc`, `-c=value`, `-n5`. @returns Whether it took the next argument too. */
  function short(arg: string, next: string | undefined): boolean {
    for (let at = 1; at < arg.length - 1; at++) {
      const letter = arg[at] ?? "";
      const rest = arg.slice(at + 1);
      const value = /^=(.+)/s.exec(rest)?.[1] ??
        (/^(?:-?\d|\W)/.test(rest) ? rest : undefined);
      if (value !== undefined) {
        set(arg, letter, value);
        return false;
      }
      set(arg, letter);
    }
    const last = arg.at(-1) ?? "";
    const taken = saysWhether(last, next) ||
      takes(last, next) && !/^--?[^-]/.test(next ?? "");
    set(arg, last, taken ? next : undefined);
    return taken;
  }

  /** Whether the next argument is the value of an option that needs none. */
  function saysWhether(name: string, next: string | undefined): boolean {
    return boolean.has(name) && (next === "true" || next === "false");
  }

  /** Whether an option may have the next argument as its value. */
  function takes(name: string, next: string | undefined): boolean {
    return next !== undefined && next !== "" && !boolean.has(name);
  }

  function set(arg: string, name: string, text?: string): void {
    const value = boolean.has(name)
      ? text === undefined || text !== "false"
      : text === undefined
      ? string.has(name) ? "" : true
      : string.has(name)
      ? text
      : numberOr(text);
    if (!known.has(name) && options.unknown?.(arg, name, value) === false) {
      return;
    }
    for (const other of namesOf(name)) {
      const before = result[other];
      result[other] = collect.has(name)
        ? [...Array.isArray(before) ? before : [], value]
        : value;
    }
  }

  function positional(arg: string): void {
    result._.push(string.has("_") ? arg : numberOr(arg));
  }
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

function numberOr(text: string): string | number {
  return /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$|^0x[\da-f]+$/i.test(text)
    ? Number(text)
    : text;
}
