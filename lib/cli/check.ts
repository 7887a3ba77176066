/**
 * `sameorigin check`: the config's problems, all at once.
 *
 * @module
 */
import { ConfigError, type Problem } from "../config/config_error.ts";
import type { Plan } from "../config/plan.ts";
import { OK, USAGE } from "./exit_code.ts";
import { counted, failure, type Terminal } from "./terminal.ts";

/**
 * Reads the config and reports.
 *
 * @param load Throws the problems.
 * @param json One object on standard output: `{ok, source, problems, …}`.
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

/** The problems: a line each for people, all in one object for programs. */
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

/** The problems on standard error, and how many there are if it is many. */
export function printProblems(error: ConfigError, terminal: Terminal): void {
  terminal.note(`${error.message}\n`);
  const { length } = error.problems;
  if (length > 1) failure(terminal, `${length} problems`);
}

/** How much a plan has of what people count. */
export function countsOf(plan: Plan) {
  const servers = new Set(plan.listeners.flatMap((l) => l.servers.servers));
  return {
    servers: servers.size,
    locations: [...servers]
      .reduce((sum, server) => sum + server.locations.entries.length, 0),
    upstreams: plan.upstreams.length,
  };
}
