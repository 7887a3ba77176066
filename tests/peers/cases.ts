/**
 * What other people's cases show, compared with what is expected of them.
 *
 * @module
 */

/** A case that this proxy takes otherwise than the collection's author. */
export interface Difference {
  /** What it does, as {@linkcode Result.outcome} writes it. */
  readonly outcome: string;
  /** The reason, in a sentence. */
  readonly why: string;
}

/** A case that was run. */
export interface Result {
  readonly name: string;
  /** What the proxy did, in one line. */
  readonly outcome: string;
  /** Whether this is what the collection asks for. */
  readonly asAsked: boolean;
}

/** The counts, and a line for each case that is not as listed. */
export interface Verdict {
  readonly run: number;
  readonly asAsked: number;
  readonly surprises: readonly string[];
}

/** Compares results with the list of known differences. */
export function judge(
  results: readonly Result[],
  known: Readonly<Record<string, Difference>>,
): Verdict {
  const surprises = results.flatMap(({ name, outcome, asAsked }) => {
    const difference = known[name];
    if (difference === undefined) {
      return asAsked ? [] : [`${name}: ${outcome}`];
    }
    if (asAsked) return [`${name}: listed, but now as asked: ${outcome}`];
    if (outcome === difference.outcome) return [];
    return [`${name}: ${outcome}; listed: ${difference.outcome}`];
  });
  const ran = new Set(results.map(({ name }) => name));
  for (const name of Object.keys(known)) {
    if (!ran.has(name)) {
      surprises.push(`${name}: listed, but there is no such case`);
    }
  }
  return {
    run: results.length,
    asAsked: results.filter(({ asAsked }) => asAsked).length,
    surprises,
  };
}
