/**
 * The program's version.
 *
 * @module
 */
import deno from "../../deno.json" with { type: "json" };

/** The version of sameorigin: `0.1.0`. */
export const VERSION: string = deno.version;

/** `sameorigin 0.1.0 (deno 2.9.6, v8 …, linux-x86_64)`, for a bug report. */
export function versionLine(): string {
  const { deno, v8 } = Deno.version;
  const { os, arch } = Deno.build;
  return `sameorigin ${VERSION} (deno ${deno}, v8 ${v8}, ${os}-${arch})`;
}
