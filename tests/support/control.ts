/**
 * What the machine itself takes, measured beside a test: a bound in milliseconds
 * that holds on an idle machine does not on a busy one.
 *
 * @module
 */
import { rawClient, rawUpstream } from "./raw_upstream.ts";

/** Milliseconds between two measurements. */
const PAUSE = 5;

/** A measurement that goes on until it is disposed of. */
export interface Control extends AsyncDisposable {
  /**
   * The longest time that one byte took there and back so far, with the pause
   * before it, in milliseconds: how late an event may be for want of the processor.
   */
  readonly slowest: number;
}

/**
 * Sends a byte to and fro over a connection of its own, in this process, so that it
 * is delayed by what delays the test.
 */
export async function startControl(): Promise<Control> {
  const upstream = rawUpstream(async (connection) => {
    while (true) await connection.write(await connection.readExactly(1));
  });
  const client = await rawClient(upstream.port);
  let slowest = 0;
  let ended = false;
  let begun = performance.now();
  const measuring = (async () => {
    while (!ended) {
      await client.write("x");
      await client.readExactly(1);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      const now = performance.now();
      slowest = Math.max(slowest, now - begun - PAUSE);
      begun = now;
    }
  })();
  return {
    // A measurement that has not come back yet counts as well.
    get slowest() {
      return Math.max(slowest, performance.now() - begun - PAUSE);
    },
    async [Symbol.asyncDispose]() {
      ended = true;
      await measuring;
      client.close();
      await upstream[Symbol.asyncDispose]();
    },
  };
}
