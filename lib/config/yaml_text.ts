/**
 * From the config's text to a document.
 *
 * @module
 */
import { parse } from "@std/yaml/parse";
import { ConfigError } from "./config_error.ts";

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
    const message = error instanceof Error ? error.message : String(error);
    const [, reason = message, line, column] =
      /^(.*?) at line (\d+), column (\d+)/s.exec(message) ?? [];
    const at = {
      line: numberField(error, "line") ?? Number(line),
      column: numberField(error, "column") ?? Number(column),
    };
    const problem = {
      file,
      path: "",
      message: error instanceof RangeError
        ? "the values are nested too deeply"
        : reason.replace(/\s+/g, " ").trim(),
    };
    const shown = text.split(/\r\n|\n|\r/)[at.line - 1];
    if (/[{[,].*\$\{/.test(shown ?? "")) {
      problem.message += " (inside {…} and […], put quotes around ${…})";
    }
    throw new ConfigError([
      shown === undefined
        ? problem
        : { ...problem, ...at, snippet: snippet(shown, at.line, at.column) },
    ], { cause: error });
  }
}

/** @std/yaml has the position as fields since 1.2.0, before only in the message. */
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
