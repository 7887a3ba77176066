/**
 * Waiting with a time limit.
 *
 * @module
 */

/** In milliseconds. A busy machine may take seconds for what is usually immediate. */
const TIMEOUT = 30_000;

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
  }, TIMEOUT);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
