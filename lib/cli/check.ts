/**
 * `sameorigin check`: prints all problems of the config.
 *
 * @module
 */
import {
  ConfigError,
  formatProblem,
  type Problem,
} from "../config/config_error.ts";
import type { Plan } from "../config/plan.ts";
import { OK, USAGE } from "./exit_code.ts";
import { counted, failure, type Terminal } from "./terminal.ts";

/**
 * Loads the config and prints the result.
 *
 * @param load Throws a `ConfigError` with the problems.
 * @param json Whether to print one object,
 * `{ok, source, problems, warnings, …}`.
 */
export async function check(
  load: () => Promise<Plan>,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  let plan: Plan;
  try {
    plan = await load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    report(error, json, terminal);
    return USAGE;
  }
  const counts = countsOf(plan);
  const { source, warnings } = plan;
  if (json) {
    printJson({ ok: true, source, problems: [], warnings, ...counts });
    return OK;
  }
  printWarnings(warnings, terminal);
  const { good } = terminal.outputStyle;
  terminal.print(
    `${source}: ${good("ok")}, ${counted(counts.servers, "server")}, ` +
      `${counted(counts.locations, "location")}, ` +
      `${counted(counts.upstreams, "upstream")}\n`,
  );
  return OK;

  function printJson(value: unknown) {
    terminal.print(JSON.stringify(value, null, 2) + "\n");
  }
}

/** Prints the problems: a line each, or all in one JSON object. */
function report(error: ConfigError, json: boolean, terminal: Terminal): void {
  const { problems, warnings } = error;
  if (!json) {
    printProblems(error, terminal);
    return;
  }
  const source = problems[0]?.file;
  const object: {
    ok: false;
    source: string | undefined;
    problems: readonly Problem[];
    warnings: readonly Problem[];
  } = {
    ok: false,
    source,
    problems,
    warnings,
  };
  terminal.print(JSON.stringify(object, null, 2) + "\n");
}

/** Prints warnings on standard error, a line each. */
export function printWarnings(
  warnings: readonly Problem[],
  terminal: Terminal,
): void {
  for (const warning of warnings) {
    const message = `warning: ${warning.message}`;
    terminal.note(`${formatProblem({ ...warning, message })}\n`);
  }
}

/**
 * Prints the problems on standard error, then the warnings, and the number of
 * problems if there are several.
 */
export function printProblems(error: ConfigError, terminal: Terminal): void {
  terminal.note(`${error.message}\n`);
  printWarnings(error.warnings, terminal);
  const { length } = error.problems;
  if (length > 1) failure(terminal, `${length} problems`);
}

/** The numbers of servers, locations and upstreams. */
export function countsOf(plan: Plan) {
  const servers = new Set(plan.listeners.flatMap((l) => l.servers.servers));
  return {
    servers: servers.size,
    locations: [...servers]
      .reduce((sum, server) => sum + server.locations.entries.length, 0),
    upstreams: plan.upstreams.length,
  };
}
