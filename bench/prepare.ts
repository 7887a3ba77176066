/**
 * What the benchmark needs and can make itself: the load program, built with
 * Go, and the proxies for Node, installed with npm, both in `.cache/bench`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { findProgram } from "../tests/support/skip.ts";
import { NODE_FOLDER } from "./contenders.ts";
import { LOAD_PROGRAM } from "./load.ts";

/**
 * @throws {Error} if the load can't be made: without it nothing is measured.
 */
export async function prepare(say: (words: string) => void): Promise<void> {
  if (findProgram("wrk") === undefined) {
    throw new Error("wrk is needed for the load (apt install wrk)");
  }
  await buildLoad(say);
  await installForNode(say);
}

/**
 * Builds `bench/load`.
 *
 * @throws {Error} if it can't be built, or used.
 */
export async function buildLoad(say: (words: string) => void): Promise<void> {
  if (Deno.build.os !== "linux") {
    throw new Error("CPU time is read from /proc: Linux only");
  }
  const go = findProgram("go");
  if (go === undefined) {
    throw new Error("Go is needed for the load (https://go.dev/dl/)");
  }
  say("building bench/load");
  await Deno.mkdir(NODE_FOLDER, { recursive: true });
  const built = await new Deno.Command(go, {
    args: ["build", "-o", LOAD_PROGRAM, "."],
    cwd: fileURLToPath(new URL("load", import.meta.url)),
    stdin: "null",
  }).output();
  if (!built.success) throw new Error(new TextDecoder().decode(built.stderr));
}

/** Where it fails, the contenders say that they are missing. */
async function installForNode(say: (words: string) => void) {
  const npm = findProgram("npm");
  if (npm === undefined) return;
  const wanted = await Deno.readTextFile(
    new URL("node/package.json", import.meta.url),
  );
  const file = new URL("package.json", NODE_FOLDER);
  const there = await Deno.readTextFile(file).catch(() => "");
  const modules = await Deno.stat(new URL("node_modules", NODE_FOLDER)).catch(
    () => null,
  );
  if (there === wanted && modules !== null) return;
  say("npm install http-proxy-3 @fastify/http-proxy");
  await Deno.writeTextFile(file, wanted);
  await new Deno.Command(npm, {
    args: ["install", "--no-audit", "--no-fund", "--ignore-scripts"],
    cwd: fileURLToPath(NODE_FOLDER),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
}
