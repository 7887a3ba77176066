/**
 * Whether servers let themselves be connected to, for those who wait on one.
 *
 * @module
 */
import type { UpstreamServer } from "../upstream/server.ts";

/**
 * Milliseconds to hear of a connection that has been made by then. Where this
 * process had no time to run for longer than the time-out, its timers would
 * otherwise come first.
 */
const GRACE = 10;

/** Many that wait for one server ask once. */
export class Reachability {
  readonly #checks = new Map<UpstreamServer, Promise<boolean>>();

  /**
   * Connects and hangs up.
   *
   * @param timeout Milliseconds until it counts as unreachable. One that
   * refuses does not: who waits would have heard of that, and so is connected
   * already, to a server that takes no more while it finishes what it has.
   */
  check(server: UpstreamServer, timeout: number): Promise<boolean> {
    let check = this.#checks.get(server);
    if (check === undefined) {
      check = connects(server, timeout).finally(() => {
        this.#checks.delete(server);
      });
      this.#checks.set(server, check);
    }
    return check;
  }
}

async function connects(
  { address }: UpstreamServer,
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
