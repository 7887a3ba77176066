/**
 * The finished executable, in a directory of its own where nothing else is: the
 * one that `SAMEORIGIN_BINARY` names, or one compiled here if Deno has the base
 * executable for that in its cache, as it has after `deno task compile`. Where
 * there is neither, `deno run` stands in for it, with what `deno compile` would
 * be told.
 *
 * @module
 */
import assert from "node:assert/strict";
import { programFlags } from "../../tools/compile.ts";
import { writeProgramFiles } from "../../tools/program.ts";
import { NOT_IN_EXECUTABLES } from "../../tools/proxy_flags.ts";
import { stdSource } from "../../tools/with_std.ts";

const ROOT = new URL("../../", import.meta.url);

const WINDOWS = Deno.build.os === "windows";

/** The executable, and two directories. */
export interface Executable extends AsyncDisposable {
  /** How it came about, for whoever reads the test's output. */
  readonly origin: string;
  /** The working directory and all places a program may leave something in. */
  readonly home: string;
  /** For the test's own files. */
  readonly files: string;
  command(...args: string[]): Deno.Command;
}

/** Finds it, or makes it. */
export async function findExecutable(): Promise<Executable> {
  const dir = await Deno.makeTempDir();
  const home = `${dir}/home`;
  const files = `${dir}/files`;
  await Deno.mkdir(home);
  await Deno.mkdir(files);
  const { origin, command, env = {} } = await how(dir);
  const [program = "", ...before] = command;
  return {
    origin,
    home,
    files,
    command: (...args) =>
      new Deno.Command(program, {
        args: [...before, ...args],
        cwd: home,
        env: {
          HOME: home,
          TMPDIR: home,
          TEMP: home,
          TMP: home,
          NO_COLOR: "1",
          ...env,
        },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

interface Start {
  origin: string;
  command: string[];
  env?: Record<string, string>;
}

async function how(dir: string): Promise<Start> {
  const given = Deno.env.get("SAMEORIGIN_BINARY");
  if (given !== undefined) return { origin: given, command: [given] };
  const denoDir = await denoCache();
  if (await hasBase(denoDir)) {
    const path = `${dir}/sameorigin${WINDOWS ? ".exe" : ""}`;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "tools/compile.ts", "--output", path],
      cwd: ROOT,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return { origin: "compiled for the test", command: [path] };
  }
  const flags = programFlags(await writeProgramFiles(await stdSource()))
    .filter((flag) =>
      !NOT_IN_EXECUTABLES.some((name) => flag === `--unstable-${name}`)
    );
  const main = new URL("main.ts", ROOT).href;
  return {
    origin:
      "deno run in its place: deno compile has no base executable here, " +
      "and SAMEORIGIN_BINARY names no executable",
    command: [Deno.execPath(), "run", "--quiet", ...flags, main],
    // The one of HOME is empty.
    env: { DENO_DIR: denoDir },
  };
}

async function denoCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  const { denoDir }: { denoDir: string } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  return denoDir;
}

/** Whether `deno compile` would work without a download. */
async function hasBase(denoDir: string): Promise<boolean> {
  const release = `release/v${Deno.version.deno}`;
  const file = `${denoDir}/dl/${release}/denort-${Deno.build.target}.zip`;
  try {
    return (await Deno.stat(file)).isFile;
  } catch {
    return false;
  }
}
