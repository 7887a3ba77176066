/**
 * Uncaught errors and unhandled rejections.
 *
 * @module
 */

/**
 * Logs uncaught errors and unhandled rejections of this thread, which would
 * otherwise end the process: a bug in one request must not.
 */
export function logUncaughtErrors(errorLog: (line: string) => void): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    errorLog(`internal error: ${describe(event.reason)}`);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    errorLog(`internal error: ${describe(event.error)}`);
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
