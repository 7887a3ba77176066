/**
 * What was measured, on what.
 *
 * @module
 */
import { findProgram } from "../tests/support/skip.ts";
import { NODE_FOLDER } from "./contenders.ts";

/** `2 cores of an AMD EPYC, Linux 6.1`. */
export async function machine(): Promise<string> {
  const cpu = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const model = /^model name\s*:\s*(.*)$/m.exec(cpu)?.[1] ?? Deno.build.arch;
  const cores = navigator.hardwareConcurrency;
  return `${cores} cores of ${model}, Linux ${Deno.osRelease()}`;
}

/** The version of each program that is there. */
export async function versions(): Promise<string> {
  const found = [`Deno ${Deno.version.deno}`];
  const programs: [name: string, args: string[]][] = [
    ["nginx", ["-v"]],
    ["haproxy", ["-v"]],
    ["caddy", ["version"]],
    ["node", ["--version"]],
    ["wrk", ["-v"]],
    ["go", ["version"]],
  ];
  for (const [name, args] of programs) {
    const version = await versionOf(name, args);
    if (version !== null) found.push(`${name} ${version}`);
  }
  for (const name of ["http-proxy-3", "@fastify/http-proxy"]) {
    const file = new URL(`node_modules/${name}/package.json`, NODE_FOLDER);
    const text = await Deno.readTextFile(file).catch(() => null);
    if (text !== null) found.push(`${name} ${JSON.parse(text).version}`);
  }
  return found.join(", ") + ".";
}

async function versionOf(name: string, args: string[]) {
  const program = findProgram(name);
  if (program === undefined) return null;
  const { stdout, stderr } = await new Deno.Command(program, { args }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout) + decoder.decode(stderr);
  return /\d+\.\d+[\w.]*/.exec(text)?.[0] ?? null;
}
