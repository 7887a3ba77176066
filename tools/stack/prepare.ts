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
  type Lack,
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
  const { tools: [python, node, npm, go], centrifugo, lacks } = await look(
    frontend,
  );
  if (lacks.length > 0) throw new MissingTools(lacks);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const works = [
    backendPython(python, report, either),
    centrifugo ?? buildCentrifugo(go, report, either),
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

/**
 * What this machine lacks to run the stack; empty if nothing.
 *
 * @param frontend Whether it is wanted.
 */
export async function lackedTools(frontend: boolean): Promise<readonly Lack[]> {
  return (await look(frontend)).lacks;
}

/** Looks for all tools, so that all that are missing can be named at once. */
async function look(frontend: boolean) {
  if (Deno.build.os === "windows") return nothing(WINDOWS);
  const centrifugo = await findCentrifugo();
  if (centrifugo !== null && "lack" in centrifugo) {
    return nothing(centrifugo.lack);
  }
  const unneeded: Finding = { program: "" };
  const findings = await Promise.all([
    findPython(),
    frontend ? findNode() : unneeded,
    frontend ? findNpm() : unneeded,
    centrifugo === null ? findGo() : unneeded,
  ]);
  const [python, node, npm, go] = findings;
  const name = (it: Finding) => "program" in it ? it.program : "";
  return {
    tools: [name(python), name(node), name(npm), name(go)] as const,
    centrifugo,
    lacks: findings.flatMap((it) => "lack" in it ? [it.lack] : []),
  };
}

function nothing(lack: Lack) {
  return { tools: ["", "", "", ""] as const, centrifugo: null, lacks: [lack] };
}

/** Windows has neither `/bin/sh` nor groups of processes that end together. */
const WINDOWS: Lack = {
  tool: "a Unix",
  wanted: "Linux or macOS",
  found: "Windows",
  get: "https://learn.microsoft.com/windows/wsl/install",
};
