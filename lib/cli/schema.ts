/**
 * `sameorigin schema`: what an editor needs to check a config as it is typed.
 *
 * @module
 */
import { jsonSchema } from "../config/load.ts";
import { OK } from "./exit_code.ts";
import type { Terminal } from "./terminal.ts";

/** Prints the JSON Schema of `config.yaml`. */
export function schema(terminal: Terminal): number {
  terminal.print(JSON.stringify(jsonSchema(), null, 2) + "\n");
  return OK;
}
