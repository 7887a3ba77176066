/**
 * From the config's text to a document.
 *
 * @module
 */
import { parse } from "@std/yaml/parse";
import { ConfigError, type Problem } from "./config_error.ts";

/**
 * Parses YAML.
 *
 * @throws {ConfigError} With line and column of a syntax error.
 */
export function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    // Nothing but the text can be the cause, whatever class of error it is: a
    // deep nesting, for one, is a RangeError.
    throw new ConfigError([syntaxProblem(error, text, file)], { cause: error });
  }
}

/**
 * The problem that a YAML parser's error stands for. The position is in its
 * fields `line` and `column` (@std/yaml since 1.2.0), or in its message, or
 * nowhere.
 */
export function syntaxProblem(
  error: unknown,
  text: string,
  file: string,
): Problem {
  const full = error instanceof Error ? error.message : String(error);
  const [, reason = full, atLine, atColumn] =
    /^(.*?) at line (\d+), column (\d+)/s.exec(full) ?? [];
  const line = numberField(error, "line") ?? Number(atLine);
  const column = numberField(error, "column") ?? Number(atColumn);
  const shown = text.split(/\r\n|\n|\r/)[line - 1];
  // In YAML's own brackets the brace of `${…}` begins a map.
  const before = shown?.slice(0, Math.max(0, shown.lastIndexOf("${"))) ?? "";
  const hint = /[{[,]/.test(before)
    ? " (inside {…} and […], put quotes around ${…})"
    : "";
  const message = error instanceof RangeError
    ? "the values are nested too deeply"
    : reason.replace(/\s+/g, " ").trim() + hint;
  if (shown === undefined || !(column >= 1)) return { file, path: "", message };
  return {
    file,
    path: "",
    message,
    line,
    column,
    snippet: snippet(shown, line, column),
  };
}

function numberField(error: unknown, name: string): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === "number" ? value : undefined;
}

/** How much of a line is shown to both sides of the column. */
const AROUND = 60;

/** A line with its number, and a caret under the column. */
function snippet(text: string, line: number, column: number): string {
  const from = Math.max(0, column - 1 - AROUND);
  // A tab or an escape character would move the caret, or do worse.
  const shown = text.slice(from, column - 1 + AROUND)
    // deno-lint-ignore no-control-regex -- they are what is replaced.
    .replace(/\t/g, " ").replace(/[\x00-\x1f\x7f-\x9f]/g, "·");
  const margin = `  ${line} | `;
  const before = " ".repeat(margin.length - 2) + "| " +
    " ".repeat(column - 1 - from);
  return `${margin}${shown}\n${before}^`;
}
