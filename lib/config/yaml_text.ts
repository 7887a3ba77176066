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
  const indented = text.includes("\t") ? INDENTED_BY_TAB.exec(text) : null;
  if (indented !== null) {
    throw new ConfigError([tabProblem(text, indented, file)]);
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    // Nothing but the text can be the cause, whatever class of error it is: a
    // deep nesting, for one, is a RangeError.
    throw new ConfigError(
      [nginxProblem(text, file) ?? syntaxProblem(error, text, file)],
      { cause: error },
    );
  }
  // All of it is one text then, to YAML.
  const nginx = typeof document === "string" ? nginxProblem(text, file) : null;
  if (nginx !== null) throw new ConfigError([nginx]);
  if (hasMapAsKey(document)) {
    const message = "a key must be text, not a map";
    throw new ConfigError([{ file, path: "", message }]);
  }
  return document;
}

/** A block of nginx's: `server {`, `location / {`. */
const NGINX_BLOCK =
  /^[ \t]*(?:http|events|server|upstream[ \t]+\S+|location[ \t][^{\n]*?)[ \t]*\{/m;

/** The problem that a file of nginx's has here; null for another. */
function nginxProblem(text: string, file: string): Problem | null {
  const block = NGINX_BLOCK.exec(text);
  if (block === null) return null;
  return {
    file,
    path: "",
    message: "this is nginx's syntax: a config of sameorigin is YAML, with " +
      'nginx\'s directives (start one with "sameorigin init")',
    line: text.slice(0, block.index).split("\n").length,
  };
}

/** Whether a key was a map: @std/yaml 1.2.0 makes a text of it, as JavaScript does. */
function hasMapAsKey(value: unknown, seen = new Set<unknown>()): boolean {
  // An alias may stand within what it stands for.
  if (typeof value !== "object" || value === null || seen.has(value)) {
    return false;
  }
  seen.add(value);
  return Object.entries(value).some(([key, inner]) =>
    key === "[object Object]" || hasMapAsKey(inner, seen)
  );
}

/**
 * An entry of a map or a list after a tab. YAML forbids it (1.2, section 6.1),
 * but @std/yaml 1.2.0 reads it as if there were no indentation.
 */
const INDENTED_BY_TAB = /^( *)\t\s*(?:-\s|[^\s#'"[{][^\n]*?:(?:\s|$))/m;

function tabProblem(
  text: string,
  { index, 1: spaces = "" }: RegExpExecArray,
  file: string,
): Problem {
  const line = text.slice(0, index).split("\n").length;
  const column = spaces.length + 1;
  return {
    file,
    path: "",
    message: "a tab must not be used for indentation",
    line,
    column,
    snippet: snippet(text.split("\n")[line - 1] ?? "", line, column),
  };
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
  const lines = text.split(/\r\n|\n|\r/);
  let line = numberField(error, "line") ?? Number(atLine);
  let column = numberField(error, "column") ?? Number(atColumn);
  if (line === lines.length + 1) {
    // @std/yaml ends the text with a line break, and may stumble behind it.
    line = lines.length;
    column = (lines.at(-1) ?? "").length + 1;
  }
  const shown = lines[line - 1];
  // In YAML's own brackets the brace of `${…}` begins a map.
  const before = shown?.slice(0, Math.max(0, shown.lastIndexOf("${"))) ?? "";
  const hint = /[{[,]/.test(before)
    ? " (inside {…} and […], put quotes around ${…})"
    : "";
  const message = error instanceof RangeError
    ? "the values are nested too deeply"
    : inOurWords(reason.replace(/\s+/g, " ").trim()) + hint;
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

/** What a parser says, in words that help; other words as they are. */
function inOurWords(reason: string): string {
  if (/duplicat/i.test(reason)) return "this key is there twice";
  return /bad indentation/i.test(reason)
    ? "the indentation fits neither the lines above nor a new level"
    : reason;
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
    .replace(/\t/g, " ").replace(/\p{Cc}/gu, "·");
  const margin = `  ${line} | `;
  const before = " ".repeat(margin.length - 2) + "| " +
    " ".repeat(column - 1 - from);
  return `${margin}${shown}\n${before}^`;
}
