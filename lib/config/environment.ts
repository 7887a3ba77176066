/**
 * The environment in the config: `${NAME}`, `${NAME:-default}` and
 * `${NAME:?message}`, as a shell means them, in the values that are text. Keys
 * are left alone. `${name}` in lower case is a variable of the request and `$$`
 * a dollar: both pass through to the templates.
 *
 * @module
 */
import type { Path, Report } from "./config_error.ts";
import { describe, quote, ValueError } from "./words.ts";

/** Looks a variable of the environment up; undefined if it is not set. */
export type Environment = (name: string) => string | undefined;

/** Far deeper than any config; YAML's aliases can make a document endless. */
const DEEPEST = 32;

/**
 * A copy of the document with the environment's values in it. The document may
 * be anything that a YAML parser returns, one that contains itself included;
 * what is neither a map, a list nor a plain scalar is reported.
 */
export function substituteEnvironment(
  document: unknown,
  env: Environment,
  report: Report,
): unknown {
  // A list or map that aliases repeat is copied once, else a few lines of
  // aliases of aliases would grow without bound.
  const copies = new Map<object, unknown>();

  const copy = (value: unknown, path: Path): unknown => {
    if (typeof value === "string") return text(value, path);
    if (typeof value !== "object" || value === null) return value;
    if (copies.has(value)) return copies.get(value);
    if (path.length > DEEPEST) {
      report(path.slice(0, 1), "the values are nested too deeply");
      return null;
    }
    if (Array.isArray(value)) {
      const list: unknown[] = [];
      copies.set(value, list);
      value.forEach((item, i) => list.push(copy(item, [...path, i])));
      return list;
    }
    if (!isMap(value)) {
      report(path, `${describe(value)} can't be used here (put it in quotes)`);
      return null;
    }
    const map: Record<string, unknown> = {};
    copies.set(value, map);
    for (const [key, item] of Object.entries(value)) {
      if (UNUSABLE_KEYS.has(key)) {
        report([...path, key], "this name can't be used");
      } else {
        map[key] = copy(item, [...path, key]);
      }
    }
    return map;
  };

  const text = (value: string, path: Path): string => {
    try {
      return substituteText(value, env);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      report(path, error.message);
      return value;
    }
  };

  return copy(document, []);
}

/** Names that every object in JavaScript has; the schema library skips them. */
const UNUSABLE_KEYS: ReadonlySet<string> = new Set([
  "__proto__",
  "constructor",
  "prototype",
]);

/** Not a date, not bytes, not a `Map` or `Set`, all of which YAML has. */
function isMap(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/**
 * Puts the environment's values into a text. A dollar in such a value is just
 * a dollar: it comes out as `$$`. A default is taken as it is written, so
 * `${HOST:-$host}` works.
 *
 * @throws {ValueError} If a variable without default is not set, or a `${…}` is malformed.
 */
export function substituteText(text: string, env: Environment): string {
  let result = "";
  let rest = text;
  for (;;) {
    const dollar = rest.indexOf("$");
    if (dollar < 0) return result + rest;
    result += rest.slice(0, dollar);
    rest = rest.slice(dollar);
    const [, name = "", next] = /^\$\{(\w+)(.?)/s.exec(rest) ?? [];
    if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) {
      if (next === ":") {
        throw new ValueError(
          `${
            quote(name)
          }: the names of environment variables are in capital letters here`,
        );
      }
      const length = rest.startsWith("$$") ? 2 : 1;
      result += rest.slice(0, length);
      rest = rest.slice(length);
      continue;
    }
    const end = closingBrace(rest);
    result += valueOf(name, rest.slice(2 + name.length, end), env);
    rest = rest.slice(end + 1);
  }
}

/** The place of the `}` that ends the `${` at the start of `text`. */
function closingBrace(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text.startsWith("${", i)) depth++;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  throw new ValueError(`"\${" without its "}" in ${quote(text)}`);
}

function valueOf(name: string, operation: string, env: Environment): string {
  const value = env(name);
  const operator = operation.slice(0, 2);
  const word = operation.slice(2);
  switch (operator) {
    case "":
      if (value !== undefined) return escapeDollars(value);
      throw new ValueError(
        `the environment variable ${name} is not set ` +
          `(write \${${name}:-…} to give a default)`,
      );
    case ":-":
      if (value !== undefined && value !== "") return escapeDollars(value);
      return substituteText(word, env);
    case ":?":
      if (value !== undefined && value !== "") return escapeDollars(value);
      throw new ValueError(
        `the environment variable ${name} is not set` +
          (word === "" ? "" : `: ${word}`),
      );
    default:
      throw new ValueError(
        `expected \${${name}}, \${${name}:-default} or \${${name}:?message}, ` +
          `got ${quote(`\${${name}${operation}}`)}`,
      );
  }
}

function escapeDollars(value: string): string {
  return value.replaceAll("$", "$$$$");
}
