/**
 * Compiles `main.ts` to one executable:
 *
 *     deno task compile                                   ./sameorigin
 *     deno task compile --target aarch64-apple-darwin     dist/sameorigin-…
 *     deno task compile --target all                      one for each platform
 *     deno task compile --output /usr/local/bin/sameorigin
 *
 * The flags of `proxy_flags.ts` and `deno.json`'s unstable flags are baked in, and
 * `config.yaml`, which is used where there is no other. `deno` downloads the
 * base executable of a target (`denort`) at its first use; `DENORT_BIN` in the
 * environment names one that is there already.
 *
 * It is made of exactly what `deno.lock` pins. For a release, with
 * `SAMEORIGIN_STD=jsr`, @std is the real one.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import config from "../deno.json" with { type: "json" };
import { type ProgramFiles, writeProgramFiles } from "./program.ts";
import { PROXY_FLAGS, V8_FLAGS } from "./proxy_flags.ts";
import { runDeno, stdSource } from "./with_std.ts";

/** The platforms a release has an executable for, by Deno's names. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/** A platform of {@linkcode TARGETS}. */
export type Target = typeof TARGETS[number];

const ROOT = new URL("../", import.meta.url);

/** The modules of threads, which are named only by their addresses. */
const WORKERS = [
  "lib/server/workers/worker.ts",
  "lib/access/passwords/password_worker.ts",
];

/** What `deno compile` is told of the program, and `deno run` could be told as well. */
export function programFlags({ importMap, lock }: ProgramFiles): string[] {
  return [
    ...PROXY_FLAGS,
    V8_FLAGS,
    // In place of deno.json, with whose imports the tests' packages would come.
    "--no-config",
    ...config.unstable.map((name) => `--unstable-${name}`),
    `--import-map=${importMap}`,
    `--lock=${lock}`,
    "--frozen",
    // `deno task check` does, with deno.json's compilerOptions.
    "--no-check",
  ];
}

/**
 * What follows `deno compile`.
 *
 * @param files What the program is made of.
 * @param output The executable's path.
 * @param target The platform it runs on; null for this one.
 */
export function compileArguments(
  files: ProgramFiles,
  output: string,
  target: Target | null,
): string[] {
  return [
    ...programFlags(files),
    // What is only depended on, and never imported, stays out.
    "--exclude-unused-npm",
    // The cache would be a file beside the executable or in the temporary
    // directory: a proxy writes nothing, so it runs on a read-only file system.
    "--no-code-cache",
    `--include=${fileURLToPath(new URL("config.yaml", ROOT))}`,
    ...WORKERS.map((path) => `--include=${fileURLToPath(new URL(path, ROOT))}`),
    `--output=${output}`,
    ...target === null ? [] : [`--target=${target}`],
    fileURLToPath(new URL("main.ts", ROOT)),
  ];
}

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { target: { type: "string" }, output: { type: "string" } },
  });
  const { target, output } = values;
  const known = TARGETS.find((name) => name === target) ?? null;
  if (target !== undefined && target !== "all" && known === null) {
    throw new Error(
      `no target is called "${target}": all, ${TARGETS.join(", ")}`,
    );
  }
  if (target === "all" && output !== undefined) {
    throw new Error("--output is one file, --target all makes five");
  }
  const files = await writeProgramFiles(await stdSource());
  for (const each of target === "all" ? TARGETS : [known]) {
    const file = output ??
      (each === null ? "sameorigin" : `dist/sameorigin-${each}`);
    const code = await runDeno([
      "compile",
      ...compileArguments(files, file, each),
    ]);
    if (code !== 0) return code;
  }
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(
      `deno task compile: ${error instanceof Error ? error.message : error}`,
    );
    Deno.exit(2);
  }
}
