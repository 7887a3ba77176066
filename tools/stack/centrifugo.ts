/**
 * Where Centrifugo comes from.
 *
 * @module
 */
import { join } from "node:path";
import { fingerprint, textsOf } from "./fingerprint.ts";
import { locked } from "./lock.ts";
import { CACHE, STAND_IN } from "./places.ts";
import { askProgram, versionIn } from "./programs.ts";
import type { Report } from "./report.ts";
import { CommandFailed, runToEnd } from "./run_to_end.ts";

/** The version that is built where the machine has none. */
export const PIN = "v6.9.1";

const MODULE = "github.com/centrifugal/centrifugo/v6";

/** How long Go may take to say whether it can be had, in milliseconds. */
const PATIENCE = 60_000;

/** How long it is not asked for again once it was refused, in milliseconds. */
const MEMORY = 60 * 60 * 1_000;

/** A Centrifugo, or what stands in for it. */
export interface Centrifugo {
  /** The path of the program. */
  readonly program: string;
  /** `stand-in` is built on the library that Centrifugo itself is built on. */
  readonly kind: "centrifugo" | "stand-in";
  /** Where it is from, for people. */
  readonly from: string;
}

/** One that the machine already has: no tool is needed for it. */
export async function findCentrifugo(): Promise<Centrifugo | null> {
  const given = Deno.env.get("CENTRIFUGO_BIN");
  if (given) {
    if (await askProgram(given, ["version"]) === null) {
      throw new Error(`CENTRIFUGO_BIN=${given} can't be run`);
    }
    return { program: given, kind: "centrifugo", from: "$CENTRIFUGO_BIN" };
  }
  if (await isVersion6("centrifugo")) {
    return { program: "centrifugo", kind: "centrifugo", from: "PATH" };
  }
  return await exists(BUILT.program) ? BUILT : null;
}

const FOLDER = join(CACHE, `centrifugo-${PIN}`);
const BUILT: Centrifugo = {
  program: join(FOLDER, "centrifugo"),
  kind: "centrifugo",
  from: PIN,
};

/**
 * Builds Centrifugo, or the stand-in where Go's module proxy refuses it.
 *
 * @param go Go's program; asked for only when it is needed.
 */
export function buildCentrifugo(
  go: string,
  report: Report,
  signal: AbortSignal,
): Promise<Centrifugo> {
  return locked("centrifugo", async () => {
    if (await exists(BUILT.program)) return BUILT;
    const refusal = await whyRefused(go, signal);
    if (refusal === null) {
      await report.step(
        `Centrifugo ${PIN} (go install, takes minutes)`,
        () => install(go, signal),
      );
      return BUILT;
    }
    report.note(
      `Centrifugo ${PIN} can't be had here (${refusal}): a small server on ` +
        "Centrifugo's own library stands in for it.",
    );
    return await buildStandIn(go, report, signal);
  });
}

/** Why the module can't be downloaded; null if it can. */
async function whyRefused(
  go: string,
  signal: AbortSignal,
): Promise<string | null> {
  const note = join(CACHE, "centrifugo_refused");
  const remembered = await readRecent(note);
  if (remembered !== null) return remembered;
  const late = AbortSignal.timeout(PATIENCE);
  try {
    await runToEnd({
      program: go,
      args: ["list", "-m", `${MODULE}@${PIN}`],
      cwd: CACHE,
      env: goEnvironment(),
    }, AbortSignal.any([signal, late]));
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (!late.aborted && !(error instanceof CommandFailed)) throw error;
    const why = error instanceof CommandFailed
      ? shortReason(error.output)
      : `no answer within ${PATIENCE / 1_000} s`;
    await Deno.writeTextFile(note, why);
    return why;
  }
}

/** Of what `go` says when it can't download: the HTTP status, or the last line. */
export function shortReason(output: string): string {
  const [status] = /\b[45]\d\d [A-Z][A-Za-z ]*/.exec(output) ?? [];
  return status?.trim() ?? output.trim().split("\n").at(-1) ?? "";
}

async function install(go: string, signal: AbortSignal): Promise<void> {
  // A build that is cut off must not leave half a program in its place.
  const unfinished = `${FOLDER}.unfinished`;
  await removeAll(unfinished);
  await runToEnd({
    program: go,
    args: ["install", `${MODULE}@${PIN}`],
    cwd: CACHE,
    env: { ...goEnvironment(), GOBIN: unfinished },
  }, signal);
  await removeAll(FOLDER);
  await Deno.rename(unfinished, FOLDER);
}

async function buildStandIn(
  go: string,
  report: Report,
  signal: AbortSignal,
): Promise<Centrifugo> {
  const key = await fingerprint(...await textsOf(STAND_IN));
  const program = join(CACHE, `centrifuge_server-${key}`);
  const standIn: Centrifugo = {
    program,
    kind: "stand-in",
    from: "tests/e2e/centrifuge_server",
  };
  if (await exists(program)) return standIn;
  await report.step("the stand-in for Centrifugo (go build)", async () => {
    await runToEnd({
      program: go,
      args: ["build", "-o", `${program}.unfinished`, "."],
      cwd: STAND_IN,
      env: goEnvironment(),
    }, signal);
    await Deno.rename(`${program}.unfinished`, program);
  });
  return standIn;
}

/**
 * Go's module cache is read-only by default, and so hard to delete. A Go that
 * is older than a module asks for may fetch the one it needs.
 */
function goEnvironment(): Record<string, string> {
  const flags = Deno.env.get("GOFLAGS") ?? "";
  return {
    GOFLAGS: `${flags} -modcacherw`.trim(),
    GOTOOLCHAIN: Deno.env.get("GOTOOLCHAIN") ?? "auto",
  };
}

/** Whether a program in PATH is a Centrifugo v6. */
async function isVersion6(program: string): Promise<boolean> {
  const words = await askProgram(program, ["version"]);
  return words !== null && versionIn(words)?.[0] === 6;
}

async function readRecent(file: string): Promise<string | null> {
  try {
    const { mtime } = await Deno.stat(file);
    const age = Math.abs(Date.now() - (mtime?.getTime() ?? 0));
    return age < MEMORY ? await Deno.readTextFile(file) : null;
  } catch {
    return null;
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await Deno.stat(file)).isFile;
  } catch {
    return false;
  }
}

async function removeAll(folder: string): Promise<void> {
  try {
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
