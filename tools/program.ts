/**
 * What the executable is made of, taken from `deno.json` and `deno.lock`: only
 * what the program itself imports. `deno compile` downloads all that a lock
 * names, so it is given a lock without the packages of the tests and tools.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };
import { stdImports, type StdSource } from "./with_std.ts";

/** What the program imports beside @std, by the names in `deno.json`. */
const IMPORTS = [
  "@valibot/to-json-schema",
  "bcryptjs",
  "mrmime",
  "re2js",
  "valibot",
] as const;

/** What `tools/std/` imports. */
const STAND_IN_IMPORTS = ["js-yaml"] as const;

/** The part of `deno.lock` (version 5) that is read here. */
export interface Lock {
  version: string;
  /** `npm:valibot@1.5.0` to a key of {@linkcode npm} without the name. */
  specifiers: Record<string, string>;
  jsr?: Record<string, { integrity: string }>;
  npm?: Record<string, LockedPackage>;
}

/** A package in a lock. Its name is enough where the lock has one version of it. */
export interface LockedPackage {
  integrity?: string;
  dependencies?: string[];
  optionalDependencies?: string[];
}

/** Two files for `deno compile`. */
export interface ProgramFiles {
  importMap: string;
  lock: string;
}

const ROOT = new URL("../", import.meta.url);

/** Where the files are written; git ignores it. */
const FOLDER = new URL(".cache/compile/", ROOT);

/**
 * Writes the import map and the lock of the program.
 *
 * @returns Their paths.
 * @throws {Error} if `deno.lock` lacks what is imported.
 */
export async function writeProgramFiles(
  source: StdSource,
): Promise<ProgramFiles> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const imports = programImports(source);
  const lock: Lock = JSON.parse(
    await Deno.readTextFile(new URL("deno.lock", ROOT)),
  );
  return {
    importMap: await write("import_map.json", { imports }),
    lock: await write("deno.lock", programLock(lock, Object.values(imports))),
  };
}

/**
 * The imports of the program. The executable takes the map along and resolves
 * it again inside itself: addresses of files are relative to {@linkcode FOLDER}.
 */
export function programImports(source: StdSource): Record<string, string> {
  const names = source === "npm" ? [...IMPORTS, ...STAND_IN_IMPORTS] : IMPORTS;
  const imports: Record<string, string> = {};
  for (const name of names) imports[name] = config.imports[name];
  return { ...imports, ...stdImports(source, "../../tools/std/") };
}

/**
 * The part of a lock that some imports need.
 *
 * @param targets What names are mapped to: `npm:` and `jsr:` specifiers, files.
 * @throws {Error} if it lacks one of them.
 */
export function programLock(lock: Lock, targets: readonly string[]): Lock {
  const part: Lock = { version: lock.version, specifiers: {} };
  const { npm = {}, jsr = {} } = lock;
  for (const target of targets) {
    const [, scheme, name = "", range = ""] =
      /^(npm|jsr):((?:@[^/@]+\/)?[^/@]+)@([^/]+)/.exec(target) ?? [];
    if (scheme === undefined) continue;
    // `^1` is written as `1`, which means the same.
    const specifier = `${scheme}:${name}@${range.replace(/^\^(?=\d+$)/, "")}`;
    const version = lock.specifiers[specifier];
    if (version === undefined) throw missing(target);
    part.specifiers[specifier] = version;
    const key = `${name}@${version}`;
    if (scheme === "npm") {
      addPackage(part.npm ??= {}, npm, key);
    } else {
      const locked = jsr[key];
      if (locked === undefined) throw missing(target);
      (part.jsr ??= {})[key] = locked;
    }
  }
  return part;
}

/** Adds a package and all that it depends on. */
function addPackage(
  part: Record<string, LockedPackage>,
  all: Record<string, LockedPackage>,
  key: string,
): void {
  if (key in part) return;
  const locked = all[key];
  if (locked === undefined) throw missing(key);
  part[key] = locked;
  const { dependencies = [], optionalDependencies = [] } = locked;
  for (const dependency of [...dependencies, ...optionalDependencies]) {
    addPackage(part, all, keyOf(dependency, all));
  }
}

/** `argparse@3.0.4` for `argparse`, of which there is one version. */
function keyOf(
  dependency: string,
  all: Record<string, LockedPackage>,
): string {
  if (dependency.includes("@", 1)) return dependency;
  const key = Object.keys(all).find((key) => key.startsWith(`${dependency}@`));
  if (key === undefined) throw missing(dependency);
  return key;
}

function missing(what: string): Error {
  return new Error(
    `deno.lock lacks ${what}: deno run -A tools/with_std.ts cache main.ts adds it`,
  );
}

/** Another process may be writing the same, or reading it: it is replaced as a whole. */
async function write(name: string, content: unknown): Promise<string> {
  const file = fileURLToPath(new URL(name, FOLDER));
  const temporary = await Deno.makeTempFile({
    dir: fileURLToPath(FOLDER),
    prefix: name,
  });
  await Deno.writeTextFile(
    temporary,
    `${JSON.stringify(content, null, 2)}\n`,
  );
  await Deno.rename(temporary, file);
  return file;
}
