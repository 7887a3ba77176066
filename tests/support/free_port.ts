/**
 * A port for a test that must know it beforehand.
 *
 * @module
 */

/**
 * A port of 127.0.0.1 that is free, below those that systems give to outgoing
 * connections: one of these could take it at any moment.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch {
      // Taken.
    }
  }
}
