/**
 * Installs and builds what the stack is run from.
 *
 * @module
 */
import {
  buildCentrifugo,
  type Centrifugo,
  findCentrifugo,
} from "./centrifugo.ts";
import { installFrontend } from "./node_modules.ts";
import {
  findGo,
  type Finding,
  findNode,
  findNpm,
  findPython,
  MissingTools,
} from "./programs.ts";
import { backendPython } from "./python.ts";
import type { Report } from "./report.ts";

/** The programs that run the parts. */
export interface Prepared {
  /** The backend's Python. */
  readonly python: string;
  readonly node: string;
  readonly centrifugo: Centrifugo;
}

/**
 * Finds the tools and makes what has not been made before.
 *
 * @param frontend Whether it is wanted.
 * @throws {MissingTools} before anything is made.
 * @throws {CommandFailed} if an installer or a compiler fails; the others are
 * ended first.
 */
export async function prepare(
  frontend: boolean,
  report: Report,
  signal: AbortSignal,
): Promise<Prepared> {
  const found = await findCentrifugo();
  const [python, node, npm, go] = await demand([
    findPython(),
    frontend ? findNode() : { program: "" },
    frontend ? findNpm() : { program: "" },
    found === null ? findGo() : { program: "" },
  ]);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const works = [
    backendPython(python, report, either),
    found ?? buildCentrifugo(go, report, either),
    frontend ? installFrontend(npm, report, either) : undefined,
  ] as const;
  for (const work of works) {
    Promise.resolve(work).catch((error) => failed.abort(error));
  }
  await Promise.allSettled(works);
  // The first that has failed is the others' reason to end.
  either.throwIfAborted();
  return { python: await works[0], node, centrifugo: await works[1] };
}

/** The names of tools; of those that are missing, all are named. */
async function demand<const T extends readonly (Finding | Promise<Finding>)[]>(
  tools: T,
): Promise<{ [K in keyof T]: string }> {
  const findings = await Promise.all(tools);
  const lacks = findings.flatMap((it) => "lack" in it ? [it.lack] : []);
  if (lacks.length > 0) throw new MissingTools(lacks);
  const names = findings.map((it) => "program" in it ? it.program : "");
  return names as { [K in keyof T]: string };
}
