/**
 * Where Centrifugo comes from.
 *
 * @module
 */
import { join } from "node:path";
import { fingerprint, goSources } from "./fingerprint.ts";
import { locked } from "./lock.ts";
import { CACHE, STAND_IN } from "./places.ts";
import { askProgram, type Lack, versionIn } from "./programs.ts";
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

/**
 * One that the machine already has: no tool is needed for it. Null if it has
 * none; a lack if the one that `CENTRIFUGO_BIN` names can't be run.
 */
export async function findCentrifugo(): Promise<
  Centrifugo | { readonly lack: Lack } | null
> {
  const given = Deno.env.get("CENTRIFUGO_BIN");
  if (given) {
    if (await askProgram(given, ["version"]) === null) {
      const lack = {
        tool: "CENTRIFUGO_BIN",
        wanted: "the path of a Centrifugo v6",
        found: `${given} can't be run`,
        get: "correct it, or unset it to have one built",
      };
      return { lack };
    }
    return { program: given, kind: "centrifugo", from: "$CENTRIFUGO_BIN" };
  }
  if (await isVersion6("centrifugo")) {
    return { program: "centrifugo", kind: "centrifugo", from: "PATH" };
  }
  const centrifugo = built(CACHE);
  return await exists(centrifugo.program) ? centrifugo : null;
}

/** The one that is built, in a folder for what outlives a run. */
function built(cache: string): Centrifugo {
  const program = join(cache, `centrifugo-${PIN}`);
  return { program, kind: "centrifugo", from: PIN };
}

/**
 * Builds Centrifugo, or the stand-in where Go's module proxy refuses it.
 *
 * @param go Go's program.
 * @param cache Where it is kept for later runs.
 */
export function buildCentrifugo(
  go: string,
  report: Report,
  signal: AbortSignal,
  cache = CACHE,
): Promise<Centrifugo> {
  return locked("centrifugo", async () => {
    const centrifugo = built(cache);
    if (await exists(centrifugo.program)) return centrifugo;
    const sources = await findSources(go, report, signal, cache);
    if (sources.refused === null) {
      // As `go install` would, which also wants the list of all versions; not
      // every module proxy gives that.
      await report.step(
        `Centrifugo ${PIN} (go build, takes minutes)`,
        () => build(go, sources.folder, VERSION, centrifugo.program, signal),
      );
      return centrifugo;
    }
    report.note(
      `Centrifugo ${PIN} can't be had here (${sources.refused}): ` +
        "a small server on its own library stands in for it.",
    );
    const key = await fingerprint(...await goSources(STAND_IN));
    const standIn: Centrifugo = {
      program: join(cache, `centrifuge_server-${key}`),
      kind: "stand-in",
      from: "tests/e2e/centrifuge_server",
    };
    if (!await exists(standIn.program)) {
      await report.step(
        "the stand-in for Centrifugo (go build)",
        () => build(go, STAND_IN, [], standIn.program, signal),
      );
    }
    return standIn;
  }, { folder: cache, report, signal });
}

/** Centrifugo's own releases are made with it: `centrifugo version` says it. */
const VERSION = [
  "-ldflags",
  `-s -w -X ${MODULE}/internal/build.Version=${PIN.slice(1)}`,
];

/** The folder with Centrifugo's sources, or why it can't be downloaded. */
async function findSources(
  go: string,
  report: Report,
  signal: AbortSignal,
  cache: string,
): Promise<{ refused: null; folder: string } | { refused: string }> {
  const note = join(cache, "centrifugo_refused");
  const remembered = await readRecent(note);
  if (remembered !== null) return { refused: remembered };
  try {
    const folder = await report.step(
      `Centrifugo ${PIN} from Go's module proxy`,
      () => download(go, cache, signal),
    );
    return { refused: null, folder };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await Deno.writeTextFile(note, error.message);
    return { refused: error.message };
  }
}

/** Go's module proxy does not give Centrifugo; the message says why. */
class Refused extends Error {
  override readonly name = "Refused";
}

/**
 * Downloads Centrifugo's sources.
 *
 * @returns The folder they are in.
 * @throws {Refused}
 */
async function download(
  go: string,
  cache: string,
  signal: AbortSignal,
): Promise<string> {
  const late = AbortSignal.timeout(PATIENCE);
  try {
    const words = await runToEnd({
      program: go,
      args: ["mod", "download", "-json", `${MODULE}@${PIN}`],
      cwd: cache,
      env: goEnvironment(),
    }, AbortSignal.any([signal, late]));
    return /"Dir": "(.*)"/.exec(words)?.[1] ?? "";
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CommandFailed) {
      throw new Refused(shortReason(error.output));
    }
    if (late.aborted) {
      throw new Refused(`no answer within ${PATIENCE / 1_000} s`);
    }
    throw error;
  }
}

/** Of what `go` says when it can't download: the HTTP status, or the last line. */
export function shortReason(output: string): string {
  const [status] = /\b[45]\d\d [A-Z][A-Za-z]*( [A-Z][a-z]*)*/.exec(output) ??
    [];
  return status ?? output.trim().split("\n").at(-1) ?? "";
}

/** A build that is cut off leaves no half a program in its place. */
async function build(
  go: string,
  folder: string,
  flags: readonly string[],
  program: string,
  signal: AbortSignal,
): Promise<void> {
  const unfinished = `${program}.unfinished`;
  await runToEnd({
    program: go,
    args: ["build", "-o", unfinished, ...flags, "."],
    cwd: folder,
    env: goEnvironment(),
  }, signal);
  await Deno.rename(unfinished, program);
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
