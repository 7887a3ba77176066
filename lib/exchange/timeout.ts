/**
 * Waiting for something, but not for ever.
 *
 * @module
 */

/** What {@linkcode within} gives where the time is over. */
export const LATE: unique symbol = Symbol("late");

/**
 * The result of some work, or {@linkcode LATE} after a time. The work is not
 * stopped; an error that it throws after the time is nobody's.
 *
 * @param milliseconds From 0.
 * @throws What the work throws in time.
 */
export async function within<T>(
  work: Promise<T>,
  milliseconds: number,
): Promise<T | typeof LATE> {
  const late = Promise.withResolvers<typeof LATE>();
  const timer = setTimeout(() => late.resolve(LATE), milliseconds);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
