/**
 * Work on many things, a few at a time.
 *
 * @module
 */

/** Requests at a time: a development server is no load test's target. */
const AT_A_TIME = 4;

/** Does some work for each item, for a few at a time; results in order. */
export async function inTurn<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_A_TIME) {
    results.push(
      ...await Promise.all(items.slice(at, at + AT_A_TIME).map(work)),
    );
  }
  return results;
}
