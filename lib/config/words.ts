/**
 * What is wrong with a value, in words.
 *
 * @module
 */

/**
 * A value that can't be used. The message stands after the place of the value
 * (`listen: expected a port, got "x"`), so it names no place itself.
 */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

/** How much of a text a message repeats. */
const SHOWN = 60;

/** Quotes a text for a message: shortened, control characters escaped. */
export function quote(text: string): string {
  const cut = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  // JSON leaves DEL and the C1 controls, which a terminal would obey.
  return JSON.stringify(cut).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Says what a value is: `"abc"`, `the number 5`, `a list`, `nothing`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  return "a map";
}

/** `expected X, got Y`. */
export function expected(what: string, value: unknown): string {
  const hint = typeof value === "string" && /;\s*$/.test(value)
    ? " (no semicolon at the end here)"
    : "";
  return `expected ${what}, got ${describe(value)}${hint}`;
}

/** As {@link expected}, with a hint to put a number or a boolean in quotes. */
export function expectedText(what: string, value: unknown): string {
  const quotable = typeof value === "number" || typeof value === "boolean";
  return expected(what, value) + (quotable ? " (put it in quotes)" : "");
}
