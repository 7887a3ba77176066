/**
 * From a command line to an exit code.
 *
 * @module
 */
import { ConfigError } from "../config/config_error.ts";
import { ListenError } from "../server/server.ts";
import {
  type Invocation,
  type Options,
  parseArguments,
  UsageError,
} from "./arguments.ts";
import { check, printProblems } from "./check.ts";
import { isCommand } from "./commands.ts";
import { ConfigFileError } from "./config_file.ts";
import { FAILURE, USAGE } from "./exit_code.ts";
import { explain } from "./explain.ts";
import { health } from "./health.ts";
import { help } from "./help.ts";
import { init } from "./init.ts";
import { listenFailure } from "./listen_failure.ts";
import { ConfigReader, NO_FILE, planOf } from "./load_plan.ts";
import { reload } from "./reload.ts";
import { run } from "./run.ts";
import { schema } from "./schema.ts";
import { failure, OutputError, type Terminal } from "./terminal.ts";
import { version, versionLine } from "./version.ts";

/**
 * Does what the command line says. Never throws: what goes wrong is said on
 * standard error.
 *
 * @param argv Without the program's name.
 * @returns 0; 1 for a failure; 2 for a mistake in the command line or the
 * config; 128 and a signal's number for an end by a second signal.
 */
export async function dispatch(
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  try {
    return await perform(parseArguments(argv), terminal);
  } catch (error) {
    if (error instanceof UsageError || error instanceof ConfigFileError) {
      failure(terminal, error.message);
      terminal.note(`${error.hint}\n`);
      return USAGE;
    }
    if (error instanceof ConfigError) {
      printProblems(error, terminal);
      return USAGE;
    }
    if (error instanceof OutputError) {
      failure(terminal, error.message);
      return FAILURE;
    }
    internalError(error, terminal);
    return FAILURE;
  }
}

async function perform(
  { command, arguments: [first = "", second = ""], options }: Invocation,
  terminal: Terminal,
): Promise<number> {
  switch (command) {
    case "run":
      return await runProxy(options, terminal);
    case "check":
      return await check(() => planOf(options), options.json, terminal);
    case "explain": {
      const plan = await planOf(options);
      const { header, json } = options;
      return explain(plan, first, second, header, json, terminal);
    }
    case "health":
      return await health(await planOf(options), terminal);
    case "reload":
      return await reload(options, terminal);
    case "schema":
      return await schema(terminal);
    case "init":
      return init(terminal);
    case "version":
      return version(terminal);
    case "help":
      return help(isCommand(first) ? first : undefined, terminal);
  }
}

/** Runs, or says why an address can't be had. */
async function runProxy(options: Options, terminal: Terminal): Promise<number> {
  const reader = new ConfigReader(options);
  const loaded = await reader.load();
  const { plan } = loaded;
  const hasFile = plan.source !== NO_FILE;
  const from = hasFile ? plan.source : "no config";
  const { watch } = options;
  try {
    return await run({ loaded, reader, from, watch }, terminal);
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    failure(terminal, listenFailure(error, plan, hasFile));
    return FAILURE;
  }
}

/** A bug of ours: everything a report needs. */
function internalError(error: unknown, terminal: Terminal): void {
  const what = error instanceof Error ? error.stack ?? error.message : error;
  failure(terminal, `internal error: ${what}`);
  terminal.note(
    `This is a bug in sameorigin. Please report it with these lines, the\n` +
      `command line and the config. Version: ${versionLine()}\n`,
  );
}
