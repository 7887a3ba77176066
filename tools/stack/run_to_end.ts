/**
 * Runs a program to its end: an installer, a compiler.
 *
 * @module
 */
import { type Command, ProcessGroup } from "./process_group.ts";

/** A program that ended with another code than 0. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";

  /** @param output All that it said. */
  constructor(
    command: Command,
    readonly code: number,
    readonly output: string,
  ) {
    const words = [command.program, ...command.args].join(" ");
    super(`${words} failed with code ${code}:\n${tail(output)}`);
  }
}

/**
 * Runs a program, and all that it starts, to the end.
 *
 * @returns What it said, on both of its outputs.
 * @throws {CommandFailed} for another exit code than 0.
 * @throws The signal's reason when that is aborted; the program is ended first.
 */
export async function runToEnd(
  command: Command,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const log = await Deno.makeTempFile({ prefix: "sameorigin-stack-" });
  try {
    const group = new ProcessGroup(command, log);
    const stopped = Promise.withResolvers<void>();
    const stop = () => group.stop().then(stopped.resolve);
    signal.addEventListener("abort", stop);
    const { code } = await group.ended;
    signal.removeEventListener("abort", stop);
    if (signal.aborted) await stopped.promise;
    signal.throwIfAborted();
    const output = await Deno.readTextFile(log);
    if (code !== 0) throw new CommandFailed(command, code, output);
    return output;
  } finally {
    await Deno.remove(log);
  }
}

/** The last lines of a program's output, indented. */
export function tail(output: string, lines = 15): string {
  return output.trimEnd().split("\n").slice(-lines)
    .map((line) => `  ${line.trimEnd()}`).join("\n");
}
