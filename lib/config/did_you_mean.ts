/**
 * What a mistyped name most likely means.
 *
 * @module
 */
import { quote } from "./words.ts";

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
