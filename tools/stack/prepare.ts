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
  const tools = await findTools(frontend);
  if ("lacks" in tools) throw new MissingTools(tools.lacks);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const works = [
    backendPython(tools.python, report, either),
    tools.centrifugo ?? buildCentrifugo(tools.go, report, either),
    frontend ? installFrontend(tools.npm, report, either) : undefined,
  ] as const;
  for (const work of works) {
    Promise.resolve(work).catch((error) => failed.abort(error));
  }
  await Promise.allSettled(works);
  // The first that has failed is the others' reason to end.
  either.throwIfAborted();
  const [python, centrifugo] = works;
  return {
    python: await python,
    node: tools.node,
    centrifugo: await centrifugo,
  };
}

/**
 * What this machine lacks to run the stack; empty if nothing.
 *
 * @param frontend Whether it is wanted.
 */
export async function lackedTools(frontend: boolean): Promise<readonly Lack[]> {
  const tools = await findTools(frontend);
  return "lacks" in tools ? tools.lacks : [];
}

/** Programs; empty ones are not needed. */
interface Tools {
  readonly python: string;
  readonly node: string;
  readonly npm: string;
  readonly go: string;
  /** Null if it has to be built. */
  readonly centrifugo: Centrifugo | null;
}

/** Looks for all tools, so that all that are missing can be named at once. */
async function findTools(
  frontend: boolean,
): Promise<Tools | { readonly lacks: readonly Lack[] }> {
  if (Deno.build.os === "windows") return { lacks: [WINDOWS] };
  const unneeded: Finding = { program: "" };
  const centrifugo = await findCentrifugo();
  const [python, node, npm, go] = await Promise.all([
    findPython(),
    frontend ? findNode() : unneeded,
    frontend ? findNpm() : unneeded,
    centrifugo === null ? findGo() : unneeded,
  ]);
  if (
    "program" in python && "program" in node && "program" in npm &&
    "program" in go && (centrifugo === null || "program" in centrifugo)
  ) {
    return {
      python: python.program,
      node: node.program,
      npm: npm.program,
      go: go.program,
      centrifugo,
    };
  }
  const findings = [python, node, npm, go, centrifugo ?? unneeded];
  return { lacks: findings.flatMap((it) => "lack" in it ? [it.lack] : []) };
}

/** Windows has neither `/bin/sh` nor groups of processes that end together. */
const WINDOWS: Lack = {
  tool: "a Unix",
  wanted: "Linux or macOS",
  found: "Windows",
  get: "https://learn.microsoft.com/windows/wsl/install",
};
