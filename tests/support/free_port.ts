/**
 * Ports for tests that must know them beforehand.
 *
 * @module
 */

/**
 * Below the range that systems give to outgoing connections and to whoever asks
 * for any port (from 32768 on Linux, 49152 elsewhere): one of these could take
 * the port at any moment. `tools/stack/ports.ts` has those from 20,000.
 */
const FIRST = 10_000;
const COUNT = 10_000;

/** `fetch` refuses this one of them (Fetch Standard, "bad ports"). */
const BLOCKED = 10_080;

/** What was given to this file's tests: nobody listens there yet, perhaps. */
const given = new Set<number>();

/** A port of 127.0.0.1 where nobody listens, another one at each call. */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (port === BLOCKED || given.has(port)) continue;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
    } catch {
      continue; // Taken.
    }
    given.add(port);
    return port;
  }
}
