/**
 * Runs the command that the command line names.
 *
 * @module
 */
import { ConfigError } from "../config/config_error.ts";
import type { Plan } from "../config/plan.ts";
import { jsonSchema } from "../config/load.ts";
import { ListenError } from "../server/server.ts";
import {
  type Invocation,
  type Options,
  parseArguments,
  UsageError,
} from "./arguments.ts";
import { check, printProblems } from "./check.ts";
import { isCommand } from "./commands.ts";
import { ConfigFileError, ConfigReader, NO_FILE } from "./config_reader.ts";
import { FAILURE, OK, USAGE } from "./exit_code.ts";
import { explain } from "./explain.ts";
import { health } from "./health.ts";
import { help } from "./help.ts";
import { init } from "./init.ts";
import { reload } from "./reload.ts";
import { run } from "./run.ts";
import { listenFailure } from "./startup_messages.ts";
import { failure, OutputError, type Terminal } from "./terminal.ts";
import { versionLine } from "./version.ts";

/**
 * Runs a command. Never throws: errors are printed on standard error.
 *
 * @param argv Without the program's name.
 * @returns The exit code, see `exit_code.ts`.
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
  } finally {
    await terminal.flush();
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
      if (options.recorded !== undefined) {
        return await (await import("./recorded.ts"))
          .explainRecorded(plan, options.recorded, options, terminal);
      }
      return explain(plan, first, second, options, terminal);
    }
    case "doctor":
      // Its checks are not loaded at every start.
      return await (await import("./doctor/doctor.ts"))
        .doctor(await planOf(options), first, options, terminal);
    case "top":
      return await (await import("./top/top.ts"))
        .top(await planOf(options), options, terminal);
    case "health":
      return await health(options, terminal);
    case "reload":
      return await reload(options, terminal);
    case "schema":
      return printText(JSON.stringify(await jsonSchema(), null, 2), terminal);
    case "init":
      return init(terminal);
    case "completion":
      return (await import("./completion/completion.ts"))
        .completion(first, terminal);
    case "man":
      return (await import("./man_page.ts")).man(terminal);
    case "version":
      return printText(versionLine(), terminal);
    case "help":
      return help(isCommand(first) ? first : undefined, terminal);
  }
}

function printText(text: string, terminal: Terminal): number {
  terminal.print(`${text}\n`);
  return OK;
}

async function planOf(options: Options): Promise<Plan> {
  return (await new ConfigReader(options).load()).plan;
}

/** Runs the proxy, or prints why an address can't be listened on. */
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

/** Prints a bug with everything that a report needs. */
function internalError(error: unknown, terminal: Terminal): void {
  const what = error instanceof Error ? error.stack ?? error.message : error;
  failure(terminal, `internal error: ${what}`);
  terminal.note(
    `This is a bug in sameorigin. Please report it with these lines, the\n` +
      `command line and the config. Version: ${versionLine()}\n`,
  );
}
