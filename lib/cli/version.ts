/**
 * `sameorigin version`: what to name in a report.
 *
 * @module
 */
import deno from "../../deno.json" with { type: "json" };
import { OK } from "./exit_code.ts";
import type { Terminal } from "./terminal.ts";

/** The version of sameorigin: `0.1.0`. */
export const VERSION: string = deno.version;

/** `sameorigin 0.1.0 (deno 2.9.6, v8 …, linux-x86_64)`. */
export function versionLine(): string {
  const { deno, v8 } = Deno.version;
  const { os, arch } = Deno.build;
  return `sameorigin ${VERSION} (deno ${deno}, v8 ${v8}, ${os}-${arch})`;
}

/** Prints it. */
export function version(terminal: Terminal): number {
  terminal.print(versionLine() + "\n");
  return OK;
}
