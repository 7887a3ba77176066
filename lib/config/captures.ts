/**
 * Values with parts of a regular expression in them: `/new/$1?id=$2`.
 *
 * @module
 */
import { escapeArg, escapePath } from "../route/target.ts";
import { compileTemplate, type Template } from "./template.ts";
import { ValueError } from "./words.ts";

/** What becomes of a part of the (decoded) path where it is put into a value. */
export type Escaping =
  /** It stays as it is: for a body, or a path that is decoded itself. */
  | "none"
  /** It is escaped for the path of a URL. */
  | "path"
  /** It is escaped for the query of a URL, so that it stays within its argument. */
  | "args"
  /** As nginx does it for a rewritten query: only where the request's path had escapes. */
  | "rewritten_args";

/** A value that has been compiled. */
export interface CapturingValue {
  readonly render: Template;
  /** The highest of `$1` to `$9` in it; 0 for none. */
  readonly captures: number;
}

/** How a value with captures is compiled. */
export interface CaptureOptions {
  readonly escaping: Escaping;
  /** The groups' names, to be used as `$name`. */
  readonly names?: readonly string[];
  /** Compiles what stands between the captures. */
  readonly compile?: (text: string) => Template;
}

/**
 * Compiles a value in which `$1` to `$9` are what the groups of the last regular
 * expression took. As in nginx only one digit counts, and a group that took
 * nothing is empty.
 *
 * @throws {ValueError} As {@link compileTemplate} does.
 */
export function compileCaptures(
  text: string,
  { escaping, names = [], compile = compileTemplate }: CaptureOptions,
): CapturingValue {
  // Most values have none.
  if (!/\$[1-9]/.test(text) && !names.some((name) => text.includes(name))) {
    return { render: compile(text), captures: 0 };
  }
  const escape = ESCAPES[escaping];
  const parts: Template[] = [];
  const problems: string[] = [];
  let captures = 0;
  let between = "";
  const endBetween = () => {
    try {
      if (between !== "") parts.push(compile(between));
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      problems.push(error.message);
    }
    between = "";
  };
  for (const piece of text.split(PIECES)) {
    const name = /^\$(?:\{(\w+)\}|(\w+))$/.exec(piece);
    const group = name?.[1] ?? name?.[2] ?? "";
    if (/^[1-9]$/.test(group) && piece.length === 2) {
      endBetween();
      const index = Number(group);
      captures = Math.max(captures, index);
      parts.push((r) => escape(r.captures?.[index] ?? "", r.requestUri));
    } else if (names.includes(group)) {
      endBetween();
      parts.push((r) =>
        escape(r.captures?.groups?.[group] ?? "", r.requestUri)
      );
    } else between += piece;
  }
  endBetween();
  if (problems.length > 0) throw new ValueError(problems.join("; "));
  return { render: (r) => parts.map((part) => part(r)).join(""), captures };
}

/** A URL that has been compiled: what stands before its first `?`, and behind it. */
export interface CapturingUrl {
  readonly path: Template;
  /** Null where there is no `?`. */
  readonly args: Template | null;
  readonly captures: number;
}

/**
 * Compiles a URL or URI: captures are escaped as their place in it needs.
 *
 * @throws {ValueError} As {@link compileTemplate} does.
 */
export function compileCapturingUrl(
  text: string,
  escaping: { readonly path: Escaping; readonly args: Escaping },
  names: readonly string[] = [],
): CapturingUrl {
  const at = text.indexOf("?");
  const whole = at === -1 ? text : text.slice(0, at);
  const path = compileCaptures(whole, { escaping: escaping.path, names });
  if (at === -1) {
    return { path: path.render, args: null, captures: path.captures };
  }
  const args = compileCaptures(
    text.slice(at + 1),
    { escaping: escaping.args, names },
  );
  return {
    path: path.render,
    args: args.render,
    captures: Math.max(path.captures, args.captures),
  };
}

/** Splits a text at what begins with a dollar, and keeps that. */
const PIECES = /(\$\$|\$\{\w*\}|\$[1-9]|\$\w*)/;

const ESCAPES: Readonly<
  Record<Escaping, (bytes: string, requestUri: string) => string>
> = {
  none: (bytes) => bytes,
  path: escapePath,
  args: escapeArg,
  rewritten_args: (bytes, requestUri) =>
    hadEscapes(requestUri) ? escapeArg(bytes) : bytes,
};

/** nginx's `quoted_uri` and `plus_in_uri`: whether its path had a `%` or a `+`. */
function hadEscapes(requestUri: string): boolean {
  const [path = ""] = requestUri.split("?", 1);
  return path.includes("%") || path.includes("+");
}
