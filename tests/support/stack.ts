/**
 * Tests that need the programs of `examples/chat`: Django, Centrifugo, Vite.
 *
 * @module
 */
import { lackedTools } from "../../tools/stack/prepare.ts";

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
