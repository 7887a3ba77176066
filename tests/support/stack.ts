/**
 * Tests that need the programs of `examples/chat`: Django, Centrifugo.
 *
 * @module
 */
import { findCentrifugo } from "../../tools/stack/centrifugo.ts";
import { findGo, findPython } from "../../tools/stack/programs.ts";

/**
 * Why the stack without its frontend can't run on this machine, null if it
 * can: for `testUnless`.
 */
export async function whyNoStack(): Promise<string | null> {
  const found = await findCentrifugo();
  const findings = await Promise.all([
    findPython(),
    ...(found === null ? [findGo()] : []),
  ]);
  const lacks = findings.flatMap((it) => "lack" in it ? [it.lack] : []);
  if (lacks.length === 0) return null;
  return lacks.map((it) => `${it.tool} (${it.wanted}): ${it.found}`).join(", ");
}
