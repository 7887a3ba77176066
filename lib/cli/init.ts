/**
 * `sameorigin init`: a config to start from.
 *
 * @module
 */
import { DEFAULT_NAME } from "./config_file.ts";
import { FAILURE, OK } from "./exit_code.ts";
import { STARTER } from "./starter.ts";
import { failure, type Terminal } from "./terminal.ts";

/**
 * Writes `config.yaml` into the working directory, never over one that is
 * there. Without the permission to write files, which the executable is built
 * without, it prints the text instead: `sameorigin init > config.yaml`.
 */
export function init(terminal: Terminal): number {
  const { state } = Deno.permissions.querySync({
    name: "write",
    path: DEFAULT_NAME,
  });
  if (state !== "granted") {
    terminal.print(STARTER);
    if (terminal.outputIsTerminal) {
      terminal.note(
        `\nNothing is written; keep it with: sameorigin init > ${DEFAULT_NAME}\n`,
      );
    }
    return OK;
  }
  try {
    Deno.writeTextFileSync(DEFAULT_NAME, STARTER, { createNew: true });
  } catch (error) {
    const why = error instanceof Deno.errors.AlreadyExists
      ? "it exists already, and is left as it is"
      : error instanceof Error
      ? error.message
      : String(error);
    failure(terminal, `${DEFAULT_NAME} is not written: ${why}`);
    return FAILURE;
  }
  terminal.note(`${DEFAULT_NAME} is written. Next: sameorigin check\n`);
  return OK;
}
