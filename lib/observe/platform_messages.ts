/**
 * What Deno itself says by `console`.
 *
 * @module
 */

/**
 * Deno 2.9.6 says this once per thread in a compiled executable, to whoever
 * writes code: there a request's signal aborts at the end of a successful
 * response too, which the proxy allows for.
 */
const LEGACY_ABORT =
  "Deno.serve: request.signal aborts on successful responses (legacy behavior)";

/**
 * Sends the warnings and errors that Deno prints in this thread to the error
 * log: `console` waits for a reader of standard error that has stopped reading,
 * and throws where the disk is full.
 */
export function logPlatformMessages(errorLog: (line: string) => void): void {
  const log = (...parts: unknown[]) => {
    const text = parts.map(describe).join(" ");
    if (!text.startsWith(LEGACY_ABORT)) errorLog(text);
  };
  console.warn = console.error = log;
}

function describe(part: unknown): string {
  return part instanceof Error ? part.stack ?? part.message : String(part);
}
