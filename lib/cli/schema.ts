/**
 * `sameorigin schema`: what an editor needs to check a config as it is typed.
 *
 * @module
 */
import { jsonSchema } from "../config/load.ts";
import { OK } from "./exit_code.ts";
import type { Terminal } from "./terminal.ts";

/** Prints the JSON Schema of `config.yaml`. */
export async function schema(terminal: Terminal): Promise<number> {
  terminal.print(JSON.stringify(await jsonSchema(), null, 2) + "\n");
  return OK;
}
