/**
 * Whether a server lets itself be connected to, for requests that wait in a
 * `fetch`, which does not tell.
 *
 * @module
 */
import type { UpstreamAddress } from "../config/plan.ts";

/**
 * Milliseconds to hear of a connection that has been made by then. Where this
 * process had no time to run for longer than the time-out, its timers would
 * otherwise come first.
 */
const GRACE = 10;

/**
 * Connects and hangs up.
 *
 * @param timeout Milliseconds until it counts as unreachable. A server that
 * refuses does not: the `fetch` would already have failed, so it has its
 * connection, to a server that takes no more while it finishes what it has.
 */
export async function connects(
  address: UpstreamAddress,
  timeout: number,
): Promise<boolean> {
  const abort = new AbortController();
  let timer = setTimeout(() => {
    timer = setTimeout(() => abort.abort(), GRACE);
  }, timeout);
  try {
    const connection = address.transport === "tcp"
      ? await Deno.connect({
        hostname: address.hostname,
        port: address.port,
        signal: abort.signal,
      })
      : await Deno.connect(address);
    connection.close();
    return true;
  } catch {
    return !abort.signal.aborted;
  } finally {
    clearTimeout(timer);
  }
}
