/**
 * Errors that nobody has caught.
 *
 * @module
 */

/**
 * A bug in one request, or a rejection nobody waits for, must not end the
 * thread.
 */
export function surviveBugs(errorLog: (line: string) => void): void {
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
