/**
 * Values with variables in them (`"$host:$server_port"`), compiled once when the
 * config is read and rendered for each request.
 *
 * @module
 */
import { utf8Bytes } from "../route/bytes.ts";
import { didYouMean, ValueError } from "./words.ts";
import { hasControls } from "./plain_text.ts";
import type { DocumentFacts } from "./schema_parts.ts";
import {
  definedVariable,
  findVariable,
  type Template,
  VARIABLE_NAMES,
} from "./variables.ts";

export type { RequestContext, Template, UpstreamFacts } from "./variables.ts";

/**
 * Compiles a header's value with variables: `$host:$server_port`, `${host}x`;
 * `$$` is a dollar. What is not ASCII goes out as UTF-8, like everything nginx
 * sends: a template renders to a byte string.
 *
 * @param facts Which variables the config defines; by default none.
 * @throws {ValueError} On an unknown variable, a lone dollar, or a control
 * character (RFC 9110 section 5.5: a header value has none).
 */
export function compileTemplate(
  text: string,
  facts?: DocumentFacts,
): Template {
  // A tab is allowed.
  if (hasControls(text.replaceAll("\t", ""))) {
    throw new ValueError(
      "a header's value has no line breaks or other control characters",
    );
  }
  const problems = text.includes(";") && /\$\w+;\s*$/.test(text)
    ? ["no semicolon at the end here, it would be sent"]
    : [];
  return compile(text, problems, facts?.variables ?? NO_NAMES);
}

/**
 * Compiles a body with variables: as {@link compileTemplate} does, but it may
 * have line breaks.
 *
 * @throws {ValueError} On an unknown variable or a lone dollar.
 */
export function compileText(text: string, facts?: DocumentFacts): Template {
  return compile(text, [], facts?.variables ?? NO_NAMES);
}

const NO_NAMES: ReadonlySet<string> = new Set();

/**
 * @param problems What is wrong with the text already.
 * @param defined Names of the config's own variables, in lower case.
 */
function compile(
  text: string,
  problems: readonly string[],
  defined: ReadonlySet<string>,
): Template {
  const parts = parsePieces(
    text,
    problems,
    defined,
    (name) =>
      findVariable(name) ??
        (defined.has(name) ? definedVariable(name) : undefined),
  );
  return join(
    parts.map((part) => typeof part === "string" ? () => part : part),
  );
}

/**
 * The literal parts of a text, as byte strings, and its variables.
 *
 * @param problems What is wrong with the text already.
 * @param others Names of variables beside the usual ones, for the hints.
 * @param find The variable of a name in lower case; undefined for none.
 * @throws {ValueError} On an unknown variable, a lone dollar, or a problem.
 */
export function parsePieces<Variable>(
  text: string,
  problems: readonly string[],
  others: Iterable<string>,
  find: (name: string) => Variable | undefined,
): (string | Variable)[] {
  const parts: (string | Variable)[] = [];
  const unknown: string[] = [];
  let literal = "";
  const endLiteral = () => {
    const value = utf8Bytes(literal);
    if (value !== "") parts.push(value);
    literal = "";
  };
  for (const piece of text.split(PIECES)) {
    if (!piece.startsWith("$")) literal += piece;
    else if (piece === "$$") literal += "$";
    else {
      const name = piece.startsWith("${") ? piece.slice(2, -1) : piece.slice(1);
      const variable = find(name.toLowerCase());
      if (variable === undefined) {
        unknown.push(unknownVariable(piece, name, others));
      } else {
        endLiteral();
        parts.push(variable);
      }
    }
  }
  const all = [...unknown, ...problems];
  if (all.length > 0) throw new ValueError(all.join("; "));
  endLiteral();
  return parts;
}

/** Splits a text at what begins with a dollar, and keeps that. */
const PIECES = /(\$\$|\$\{\w*\}|\$\w*)/;

function unknownVariable(
  written: string,
  name: string,
  others: Iterable<string>,
): string {
  if (/^\d/.test(name)) {
    return `${written}: parts of a regular expression can't be used here`;
  }
  if (name === "") return `a "$" without a name (write "$$" for a dollar)`;
  if (/^[A-Z_][A-Z0-9_]*$/.test(name)) {
    return `unknown variable "${written}" (write \${${name}} for the environment's)`;
  }
  const known = [...VARIABLE_NAMES, ...others];
  const meant = didYouMean(name, known, (known) => `"$${known}"`);
  return `unknown variable "${written}"${meant}`;
}

/** One template of several, without a loop for the usual few. */
function join(parts: Template[]): Template {
  const [a, b, c, d] = parts;
  if (a === undefined) return () => "";
  if (b === undefined) return a;
  if (c === undefined) return (r) => a(r) + b(r);
  if (d === undefined) return (r) => a(r) + b(r) + c(r);
  return (r) => {
    let value = "";
    for (const part of parts) value += part(r);
    return value;
  };
}
