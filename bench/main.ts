/**
 * `deno task bench`: sameorigin beside the platform's floor and other proxies,
 * all in one run.
 *
 *     deno task bench                     everything, about an hour
 *     deno task bench --quick             a few minutes, less sure
 *     deno task bench --only=small,echo   some of it
 *     deno task bench memory              that memory stays flat, see memory.ts
 *     deno task bench fanout              Centrifugo's messages, see fanout.ts
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { contenders } from "./contenders.ts";
import { prepare } from "./prepare.ts";
import { targetsReport, workloadReport } from "./report.ts";
import { type Effort, runWorkload, type WorkloadResult } from "./rounds.ts";
import { WORKLOADS } from "./workloads.ts";

const FULL: Effort = { rounds: 5, seconds: 3, warm: 2 };
const QUICK: Effort = { rounds: 3, seconds: 1, warm: 1 };

function say(words: string) {
  if (Deno.stderr.isTerminal()) {
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${words}`));
  }
}

async function main(args: string[]): Promise<void> {
  const options = parseArgs(args, {
    string: ["only", "proxy"],
    boolean: ["quick"],
  });
  if (options._[0] === "memory") {
    await import("./memory.ts");
    await import("./websocket_memory.ts");
    return;
  }
  if (options._[0] === "fanout") {
    const { fanout } = await import("./fanout.ts");
    await fanout(args.slice(1), say);
    return;
  }
  const effort = options.quick ? QUICK : FULL;
  const only = list(options.only);
  const names = list(options.proxy);
  await prepare(say);
  const all = contenders()
    .filter(({ name }) => names === null || names.includes(name));
  for (const { missing } of all) {
    if (missing !== null) console.log(`left out: ${missing}`);
  }
  const results: WorkloadResult[] = [];
  for (const workload of WORKLOADS) {
    if (only !== null && !only.includes(workload.name)) continue;
    const result = await runWorkload(workload, all, effort, say);
    results.push(result);
    say("");
    console.log(workloadReport(result));
  }
  console.log(targetsReport(results));
}

/** `a,b` as a list, null for everything. */
function list(text: unknown): string[] | null {
  return typeof text !== "string" || text === "" ? null : text.split(",");
}

if (import.meta.main) await main(Deno.args);
