/**
 * Tests that need the programs of `examples/chat`: Django, Centrifugo, Vite.
 *
 * @module
 */
import { lackedTools } from "../../tools/stack/prepare.ts";
import type { Report } from "../../tools/stack/report.ts";

/** After how long, in milliseconds, something is said to take long. */
const LONG = 15_000;

/** Prints what takes long: the first run installs and compiles for minutes. */
export const testReport: Report = {
  async step(what, work) {
    const timer = setTimeout(() => console.log(`still at: ${what}`), LONG);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
    }
  },
  note: console.log,
};

/**
 * Why the stack can't run on this machine, null if it can: for `testUnless`.
 *
 * @param frontend Whether it is run with its frontend.
 */
export async function whyNoStack(frontend = false): Promise<string | null> {
  const lacks = await lackedTools(frontend);
  if (lacks.length === 0) return null;
  return lacks.map((it) => `${it.tool} (${it.wanted}): ${it.found}`).join(", ");
}
