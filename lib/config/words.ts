/**
 * What is wrong with a value, and what was probably meant, in words.
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

/**
 * ` (did you mean "backend"?)` with the candidate nearest to `word`, or `""` if
 * none is near.
 *
 * @param show How a candidate is written in the message.
 */
export function didYouMean(
  word: string,
  candidates: Iterable<string>,
  show: (candidate: string) => string = quote,
): string {
  const nearest = nearestTo(word, candidates);
  return nearest === undefined ? "" : ` (did you mean ${show(nearest)}?)`;
}

/** The candidate with the fewest changes to `word`; at most one for each three letters. */
function nearestTo(
  word: string,
  candidates: Iterable<string>,
): string | undefined {
  const lower = word.toLowerCase();
  let nearest: string | undefined;
  let best = Math.floor(word.length / 3) + 1;
  for (const candidate of candidates) {
    // The lengths' difference is the least number of changes.
    if (Math.abs(candidate.length - word.length) >= best) continue;
    const changes = distance(lower, candidate.toLowerCase());
    if (changes < best) {
      nearest = candidate;
      best = changes;
    }
  }
  return nearest;
}

/** The number of letters to insert, delete, replace or swap with the next (optimal string alignment). */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(beforeLast, j - 2) + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
