/**
 * Writing a log's last lines before the process ends.
 *
 * @module
 */
import { within } from "../exchange/timeout.ts";

/** The longest wait for the reader of a log that has stopped reading, in milliseconds. */
export const FLUSH_TIMEOUT = 1_000;

/** Writes the lines that wait in a log, for at most {@linkcode FLUSH_TIMEOUT}. */
export async function flushLog(
  log: { flush(): Promise<void> },
): Promise<void> {
  await within(log.flush(), FLUSH_TIMEOUT);
}
