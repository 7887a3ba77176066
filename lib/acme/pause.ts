/**
 * Waiting that can be ended.
 *
 * @module
 */

/** The longest that a timer can wait, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Waits, at most 24 days.
 *
 * @throws The signal's reason when that is aborted.
 */
export async function pause(
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(
    done.resolve,
    Math.max(0, Math.min(milliseconds, LONGEST_TIMER)),
  );
  const end = () => done.reject(signal.reason);
  signal.addEventListener("abort", end);
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}
