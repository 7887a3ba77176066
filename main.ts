/**
 * sameorigin: one origin for a frontend, its API and its WebSocket server.
 *
 * Command line in, exit code out.
 *
 * @module
 */
import { dispatch } from "./lib/cli/dispatch.ts";
import { systemTerminal } from "./lib/cli/terminal.ts";

if (import.meta.main) {
  Deno.exit(await dispatch(Deno.args, systemTerminal()));
}
