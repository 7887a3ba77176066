/**
 * `sameorigin check`: prints all problems of the config.
 *
 * @module
 */
import { ConfigError, type Problem } from "../config/config_error.ts";
import type { Plan } from "../config/plan.ts";
import { OK, USAGE } from "./exit_code.ts";
import { serversOf } from "./startup_messages.ts";
import { counted, failure, type Terminal } from "./terminal.ts";

/**
 * Loads the config and prints the result.
 *
 * @param load Throws a `ConfigError` with the problems.
 * @param json Whether to print one object, `{ok, source, problems, …}`.
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
  const { warnings } = plan;
  if (warnings.length > 0) {
    report(new ConfigError(warnings), json, terminal);
    return USAGE;
  }
  const counts = countsOf(plan);
  if (json) {
    printJson({ ok: true, source: plan.source, problems: [], ...counts });
    return OK;
  }
  const { good } = terminal.outputStyle;
  terminal.print(
    `${plan.source}: ${good("ok")}, ${counted(counts.servers, "server")}, ` +
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
  const { problems } = error;
  if (!json) {
    printProblems(error, terminal);
    return;
  }
  const source = problems[0]?.file;
  const object: {
    ok: false;
    source: string | undefined;
    problems: readonly Problem[];
  } = {
    ok: false,
    source,
    problems,
  };
  terminal.print(JSON.stringify(object, null, 2) + "\n");
}

/** Prints the problems on standard error, and their number if there are several. */
export function printProblems(error: ConfigError, terminal: Terminal): void {
  terminal.note(`${error.message}\n`);
  const { length } = error.problems;
  if (length > 1) failure(terminal, `${length} problems`);
}

/** The numbers of servers, locations and upstreams. */
export function countsOf(plan: Plan) {
  const servers = serversOf(plan);
  return {
    servers: servers.length,
    locations: servers
      .reduce((sum, server) => sum + server.locations.entries.length, 0),
    upstreams: plan.upstreams.length,
  };
}
