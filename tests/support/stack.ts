/**
 * Tests that need the programs of `examples/chat`: Django, Centrifugo, Vite.
 *
 * @module
 */
import { findCentrifugo } from "../../tools/stack/centrifugo.ts";
import {
  findGo,
  findNode,
  findNpm,
  findPython,
} from "../../tools/stack/programs.ts";

/**
 * Why the stack can't run on this machine, null if it can: for `testUnless`.
 *
 * @param frontend Whether it is run with its frontend.
 */
export async function whyNoStack(frontend = false): Promise<string | null> {
  if (Deno.build.os === "windows") return "the stack needs Unix";
  const found = await findCentrifugo();
  const findings = await Promise.all([
    findPython(),
    ...(frontend ? [findNode(), findNpm()] : []),
    ...(found === null ? [findGo()] : []),
  ]);
  const lacks = findings.flatMap((it) => "lack" in it ? [it.lack] : []);
  if (lacks.length === 0) return null;
  return lacks.map((it) => `${it.tool} (${it.wanted}): ${it.found}`).join(", ");
}
