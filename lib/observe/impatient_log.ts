/**
 * An access log that does not hold up the end of the process.
 *
 * @module
 */
import type { AccessLog } from "./access_log.ts";

/** The longest wait at the end for a reader of the log, in milliseconds. */
export const FLUSH_PATIENCE = 1_000;

/** The same log, but a reader that has stopped reading is not waited for. */
export function impatient(log: AccessLog): AccessLog {
  return {
    request: (entry) => log.request(entry),
    webSocketOpened: (context) => log.webSocketOpened(context),
    webSocketClosed: (entry) => log.webSocketClosed(entry),
    flush: () => withPatience(log.flush(), FLUSH_PATIENCE),
  };
}

/** Resolves when the work is done, or after so many milliseconds. */
export async function withPatience(
  work: Promise<void>,
  patience: number,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patience);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
