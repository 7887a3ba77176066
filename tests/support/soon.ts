/**
 * What a test waits for, but not for ever.
 *
 * @module
 */

/** Milliseconds; a busy machine takes a few thousand for what is at once. */
const PATIENCE = 30_000;

/**
 * Waits for a promise.
 *
 * @param what For the message of the error: "the page is told".
 * @throws {Error} if it has not settled in half a minute.
 */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`waited in vain until ${what}`));
  }, PATIENCE);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
