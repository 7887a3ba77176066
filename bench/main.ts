/**
 * `deno task bench`: sameorigin beside the platform's floor and other proxies,
 * all in one run.
 *
 *     deno task bench                     everything, half an hour
 *     deno task bench --quick             a few minutes, less sure
 *     deno task bench --only=small,echo   some of it
 *     deno task bench memory              that memory stays flat, see memory.ts
 *     deno task bench fanout              Centrifugo's messages, see fanout.ts
 *     deno task bench live-page           what it costs, see live_page.ts
 *     deno task bench soak                mixed load with faults, see soak.ts
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { contenders } from "./contenders.ts";
import {
  descriptorLimit,
  growthEntries,
  GROWTHS,
  possiblePoints,
} from "./growth.ts";
import { plot } from "./plot.ts";
import { prepare } from "./prepare.ts";
import {
  growthReport,
  resourcesReport,
  type Results,
  workloadReport,
} from "./report.ts";
import { measureResources } from "./resources.ts";
import { type Effort, isAble, runRounds } from "./rounds.ts";
import { targetsOf, targetsReport } from "./targets.ts";
import { machine, versions } from "./versions.ts";
import { WORKLOADS } from "./workloads.ts";

const FULL: Effort = { rounds: 5, seconds: 1, warm: 2, burst: 1 };
const QUICK: Effort = { rounds: 3, seconds: 1, warm: 2, burst: 1 };

const RESULTS = new URL("results.md", import.meta.url);
const PICTURE = new URL("../docs/bench.svg", import.meta.url);

const NAMES = [
  ...WORKLOADS.map(({ name }) => name),
  ...GROWTHS.map(({ name }) => name),
  "resources",
];

const USAGE =
  "usage: deno task bench [memory|fanout|soak|live-page] [--quick] " +
  `[--only=NAME,…] [--proxy=NAME,…]\nnames: ${NAMES.join(", ")}`;

/** Where things stand, on one line of a terminal. */
function say(words: string) {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${words}`));
}

async function main(args: string[]): Promise<number> {
  const options = parseArgs(args, {
    string: ["only", "proxy"],
    boolean: ["quick", "help"],
  });
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  if (options._[0] === "memory") {
    await import("./memory.ts");
    await import("./websocket_memory.ts");
    return 0;
  }
  if (options._[0] === "soak") {
    // It reads its own arguments.
    await import("./soak.ts");
    return 0;
  }
  if (options._[0] === "live-page") {
    const { livePage } = await import("./live_page.ts");
    return await livePage(args.slice(1), say);
  }
  if (options._[0] === "fanout") {
    const { fanout } = await import("./fanout.ts");
    await fanout(args.slice(1), say);
    return 0;
  }
  const only = list(options.only);
  const names = list(options.proxy);
  const unknown = only?.find((name) => !NAMES.includes(name));
  if (options._.length > 0 || unknown !== undefined) {
    console.error(USAGE);
    return 2;
  }
  const effort = options.quick ? QUICK : FULL;
  await prepare(say);
  const all = contenders()
    .filter(({ name, extra }) => names?.includes(name) ?? !extra);
  const parts: string[] = [];
  const print = (part: string) => {
    say("");
    console.log(part);
    parts.push(part);
  };
  print(await preface(all, effort));
  const results: Results = { workloads: [], growths: [], resources: [] };
  for (const workload of WORKLOADS) {
    if (only !== null && !only.includes(workload.name)) continue;
    const entries = all.filter((contender) => isAble(contender, workload))
      .map((contender) => {
        const label = `${workload.name} ${contender.name}`;
        return { contender, task: workload, label };
      });
    const rows = await runRounds(entries, effort, say);
    results.workloads.push({ workload, rows });
    print(workloadReport(workload, rows));
  }
  for (const growth of GROWTHS) {
    if (only !== null && !only.includes(growth.name)) continue;
    const points = possiblePoints(growth, descriptorLimit());
    const entries = growthEntries(growth, all, points);
    const rows = await runRounds(entries, effort, say);
    results.growths.push({ growth, points, rows });
    print(growthReport(growth, points, rows));
  }
  if (only === null || only.includes("resources")) {
    results.resources = await measureResources(all, effort, say);
    print(resourcesReport(results.resources));
  }
  print(targetsReport(targetsOf(results)));
  // What is kept is a whole run, or what one can be compared with.
  if (only === null && names === null && !options.quick) {
    await Deno.writeTextFile(RESULTS, parts.join("\n"));
    const picture = plot(results);
    if (picture !== null) await Deno.writeTextFile(PICTURE, picture);
  }
  return 0;
}

/** What was measured, on what, how, and what is not there. */
async function preface(
  all: ReturnType<typeof contenders>,
  { rounds, seconds }: Effort,
): Promise<string> {
  const missing = all.flatMap(({ missing }) =>
    missing === null ? [] : [`- left out: ${missing}\n`]
  );
  return `# Benchmark

Written by \`deno task bench\`. On ${await machine()}. ${await versions()}

What counts is the CPU time of a proxy for one unit of work, user and system, of
all its processes and threads. Medians of ${rounds} rounds of ${seconds} s, each after
as long a burst that does not count, the proxies in turns; "±" is half of the range, "× floor" the median of the rounds'
ratios. The last three columns say how busy a core was with the proxy, the
upstream and the load: the last two share the cores that the proxy has not, so
where they add up to all of these the rate is theirs and not the proxy's; its
CPU for a unit is not touched by that. "floor" is \`Deno.serve\` with \`fetch\`
in ten lines (\`bench/floor.ts\`), which breaks compressed bodies; "+duties" is
the same with the headers of both directions copied and filtered, the five headers
of config.yaml and a request id, a way to be cancelled, and an access log.
"sameorigin" runs from source with the flag for V8 that its executable has;
"deno task start" is without, which makes it start sooner.

${missing.join("")}`;
}

/** `a,b` as a list, null for everything. */
function list(text: unknown): string[] | null {
  return typeof text !== "string" || text === "" ? null : text.split(",");
}

if (import.meta.main) Deno.exit(await main(Deno.args));
