/**
 * Pebble's programs: from PATH, or compiled once by Go and kept in .cache.
 *
 * @module
 */
import { join } from "node:path";
import { locked } from "../../tools/stack/lock.ts";
import { ROOT } from "../../tools/stack/places.ts";
import { findProgram } from "./skip.ts";

/** `.ci/run` has the same version. */
const VERSION = "v2.10.1";

const MODULE = "github.com/letsencrypt/pebble/v2/cmd";

/** Milliseconds for Go to fetch and compile both. */
const PATIENCE = 240_000;

const CACHE = join(ROOT, ".cache", `pebble-${VERSION}`);

/** The paths of both, or why they can't be had. */
export type PebblePrograms = {
  readonly pebble: string;
  /** The name server. */
  readonly names: string;
} | { readonly missing: string };

/** Finds them, or makes them. */
export async function findPebble(): Promise<PebblePrograms> {
  const present = pathsOf(findProgram);
  if (present !== null) return present;
  const go = findProgram("go");
  if (go === undefined) {
    return { missing: "neither pebble nor Go to compile it is installed" };
  }
  return await locked("pebble", async () => {
    const kept = pathsOf(inCache);
    if (kept !== null) return kept;
    const refused = await compile(go);
    const made = pathsOf(inCache);
    return made ?? { missing: `Go can't compile pebble: ${refused}` };
  }, { folder: join(ROOT, ".cache") });
}

/** Why the tests of Pebble are skipped; null if they are not. */
export async function withoutPebble(): Promise<string | null> {
  const found = await findPebble();
  return "missing" in found ? found.missing : null;
}

function pathsOf(
  find: (name: string) => string | undefined,
): PebblePrograms | null {
  const pebble = find("pebble");
  const names = find("pebble-challtestsrv");
  return pebble === undefined || names === undefined ? null : { pebble, names };
}

function inCache(name: string): string | undefined {
  const path = join(CACHE, Deno.build.os === "windows" ? `${name}.exe` : name);
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch {
    return undefined;
  }
}

/** @returns The last line of what Go says. */
async function compile(go: string): Promise<string> {
  const flags = Deno.env.get("GOFLAGS") ?? "";
  const names = ["pebble", "pebble-challtestsrv"];
  const { stderr } = await new Deno.Command(go, {
    args: ["install", ...names.map((name) => `${MODULE}/${name}@${VERSION}`)],
    // Its module cache is read-only by default, and so hard to delete.
    env: { GOBIN: CACHE, GOFLAGS: `${flags} -modcacherw`.trim() },
    signal: AbortSignal.timeout(PATIENCE),
  }).output();
  return new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
}
