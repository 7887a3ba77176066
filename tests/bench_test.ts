/** The parts of the benchmark that need no proxy. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import type { Contender } from "../bench/contenders.ts";
import type { LocationPlan } from "../lib/config/plan.ts";
import {
  descriptorLimit,
  growthEntries,
  GROWTHS,
  possiblePoints,
} from "../bench/growth.ts";
import { type Sample, sampleOf } from "../bench/load.ts";
import { plot } from "../bench/plot.ts";
import {
  cpuOf,
  family,
  familyOf,
  parseStat,
  residentKiB,
} from "../bench/proc_stat.ts";
import { growthReport, workloadReport } from "../bench/report.ts";
import type { Row } from "../bench/rounds.ts";
import { median, medianRatio, spread } from "../bench/statistics.ts";
import { digits, table } from "../bench/table.ts";
import { targetsOf, targetsReport } from "../bench/targets.ts";
import { WORKLOADS } from "../bench/workloads.ts";
import {
  caddyfile,
  lastTarget,
  nginxConfig,
  prefixes,
  sameoriginConfig,
} from "../bench/configs.ts";
import { caddyFiles, nginxFiles, sameoriginFiles } from "../bench/files.ts";
import { locate, plan } from "./config/config.ts";

/** A line of proc(5), with times in ticks. */
function statLine(pid: number, parent: number, name: string, times: number[]) {
  return `${pid} (${name}) S ${parent} 7 7 0 -1 4194560 5 6 0 0 ` +
    `${times.join(" ")} 20 0 9 0 1234 99999 888 18446744073709551615\n`;
}

Deno.test("CPU time is that of all threads and of the children that ended", () => {
  const stat = parseStat(statLine(42, 7, "nginx", [120, 30, 4, 1]));
  assert.deepEqual(stat, { pid: 42, parent: 7, cpu: 1500, childrenCpu: 50 });
});

Deno.test("a process may be called anything", () => {
  const stat = parseStat(statLine(42, 7, "a) S 1 (b", [1, 2, 3, 4]));
  assert.equal(stat.parent, 7);
  assert.equal(stat.cpu, 30);
});

Deno.test("what is no line of /proc is refused", () => {
  for (const line of ["", "42 nginx S 7", "42 (nginx) S 7", "x (y) S 1 2 3"]) {
    assert.throws(() => parseStat(line), /not a line of/);
  }
});

Deno.test("a family is a process with all its descendants", () => {
  const processes = [[1, 0], [10, 1], [12, 11], [11, 10], [13, 1], [14, 11]]
    .map(([pid = 0, parent = 0]) => ({ pid, parent, cpu: 0, childrenCpu: 0 }));
  const pids = familyOf(10, processes).map(({ pid }) => pid);
  assert.deepEqual(pids, [10, 11, 12, 14]);
  assert.deepEqual(familyOf(99, processes), []);
});

Deno.test("what this process and its children use is found in /proc", {
  ignore: Deno.build.os !== "linux",
}, () => {
  const [self] = family(Deno.pid);
  assert.equal(self?.pid, Deno.pid);
  assert(cpuOf(Deno.pid) > 0);
  assert(residentKiB(Deno.pid) > 10_000);
});

Deno.test("the median is the middle, whatever the order", () => {
  assert.equal(median([5]), 5);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 6]), 5.5);
  assert(Number.isNaN(median([])));
});

Deno.test("the spread is half of the range, as a part of the median", () => {
  assert.equal(spread([10, 9, 11]), 0.1);
  assert.equal(spread([10]), 0);
  assert(Number.isNaN(spread([])));
});

Deno.test("a ratio is taken round by round", () => {
  // A machine twice as slow in the second round.
  assert.equal(medianRatio([11, 22, 11], [10, 20, 10]), 1.1);
  // A series that broke off is compared as far as it goes.
  assert.equal(medianRatio([11, 22], [10]), 1.1);
});

Deno.test("CPU is counted by unit, and how busy each was by the second", () => {
  const sample = sampleOf(
    { units: 1000, errors: 1, seconds: 2, p50: 1, p99: 2, p999: 3 },
    { proxy: 100, upstream: 10, generator: 5 },
    { proxy: 150, upstream: 210, generator: 1005 },
  );
  assert.deepEqual(sample, {
    cpu: 50,
    rate: 500,
    p50: 1,
    p99: 2,
    p999: 3,
    busy: { proxy: 0.025, upstream: 0.1, generator: 0.5 },
    errors: 1,
  });
  const nothing = { units: 0, errors: 7, seconds: 2, p50: 0, p99: 0, p999: 0 };
  const look = { proxy: 0, upstream: 0, generator: 0 };
  assert.throws(() => sampleOf(nothing, look, look), /no unit in 2 s, 7 err/);
});

Deno.test("a table's columns line up", () => {
  assert.equal(
    table(["", "CPU µs"], [["nginx", "9.00"], ["sameorigin", "1,310"]]),
    "|            | CPU µs |\n" +
      "| ---------- | -----: |\n" +
      "| nginx      |   9.00 |\n" +
      "| sameorigin |  1,310 |\n",
  );
});

Deno.test("numbers have three digits that count", () => {
  const numbers = [0, 0.1234, 7.126, 48.16, 131.7, 1310, NaN];
  assert.deepEqual(
    numbers.map(digits),
    ["0", "0.12", "7.13", "48.2", "132", "1,310", "-"],
  );
});

Deno.test("sameorigin is measured with the file that is shipped", () => {
  const site = { port: 1, upstream: 2, locations: 5, workers: "one" } as const;
  const shipped = Deno.readTextFileSync(
    new URL("../config.yaml", import.meta.url),
  );
  assert.equal(sameoriginConfig(shipped, site), shipped);
  for (const prefix of prefixes(5)) {
    assert(nginxConfig(site).includes(` ${prefix} `));
  }

  const larger = plan(sameoriginConfig(shipped, { ...site, locations: 1000 }));
  const target = lastTarget(1000, "small");
  assert.equal(target, "/location-1000/small");
  const last = locate(larger, target);
  assert.equal(last.key, "/location-1000/");
  assert.deepEqual(
    headersSetBy(last),
    headersSetBy(locate(plan(shipped), "/api")),
  );
});

Deno.test("all serve the same folder of files", () => {
  const site = { port: 1, upstream: 2, locations: 5, workers: "one" } as const;
  const { content } = locate(plan(sameoriginFiles("/srv/a b")), "/app.js");
  assert(content.kind === "static");
  assert.equal(content.folder, resolve("/srv/a b"));
  assert(nginxFiles(site, "/srv").includes("root /srv;"));
  assert(caddyFiles(site, "/srv").includes("root * /srv\n"));
});

function headersSetBy({ content }: LocationPlan): string[] {
  return content.kind === "proxy"
    ? content.setHeaders.map(({ name }) => name)
    : [];
}

function contender(name: string, can: string[] = ["http"]): Contender {
  return {
    name,
    floor: name === "floor",
    extra: false,
    can: new Set(can as ["http"]),
    missing: null,
    start: () => Promise.reject(new Error("not to be started")),
  };
}

/** A row of these CPU times. */
function row(name: string, cpus: number[], label = name): Row {
  const rest = { rate: 1234.5, p50: 900, p99: 2_000, p999: 31_000, errors: 0 };
  const busy = { proxy: 1, upstream: 0.25, generator: 0.5 };
  const samples = cpus.map((cpu): Sample => ({ cpu, ...rest, busy }));
  const task = WORKLOADS[0];
  assert(task !== undefined);
  return { contender: contender(name), task, label, samples };
}

Deno.test("a workload's table compares with the floor, and names what failed", () => {
  const [workload] = WORKLOADS;
  assert(workload !== undefined);
  const broken = { ...row("caddy", []), failure: "caddy did not start" };
  const rows = [row("sameorigin", [12, 11, 13]), row("floor", [10]), broken];
  assert.equal(
    workloadReport(workload, rows),
    "### small GET (`small`)\n\n" + table(
      [
        ..."|CPU µs/request|±|× floor|requests/s|p50 ms|p99 ms|p99.9 ms".split(
          "|",
        ),
        ..."proxy|upstream|load".split("|"),
      ],
      [
        "sameorigin|12.0|8 %|1.20|1,235|0.90|2.00|31.0|100 %|25 %|50 %".split(
          "|",
        ),
        "floor|10.0|0 %|1.00|1,235|0.90|2.00|31.0|100 %|25 %|50 %".split("|"),
      ],
    ) + "\n- caddy: caddy did not start\n",
  );
});

Deno.test("the targets are those of what was measured", () => {
  const [workload] = WORKLOADS;
  assert(workload !== undefined);
  const rows = [
    row("sameorigin", [6, 6]),
    row("floor", [10, 12]),
    row("caddy", [10, 10]),
  ];
  const results = {
    workloads: [{ workload, rows }],
    growths: [],
    resources: [],
  };
  const targets = targetsOf(results);
  assert.deepEqual(
    targets.map(({ limit, unit, measured }) => [limit, unit, measured]),
    [[0.75, "× floor", 0.55], [1, "× caddy", 0.6]],
  );
  assert.match(targetsReport(targets), /0\.75 × floor \| +0\.55 \| +met \|/);
});

Deno.test("what needs more descriptors than there are is left out, and said", () => {
  const growth = GROWTHS.find(({ name }) => name === "growth-connections");
  assert(growth !== undefined);
  const points = possiblePoints(growth, 4096);
  assert.deepEqual(points, [1, 100, 1000]);
  assert.match(growthReport(growth, points, []), /`ulimit -n`\): 10000/);
  assert(descriptorLimit() > 0);
});

Deno.test("a growth is measured with those that can do all of it", () => {
  const growth = GROWTHS.find(({ name }) => name === "growth-locations");
  assert(growth !== undefined);
  const able = contender("nginx", ["http", "locations"]);
  const entries = growthEntries(growth, [contender("floor"), able], [1, 5]);
  assert.deepEqual(
    entries.map(({ contender, task }) => [contender.name, task.locations]),
    [["nginx", 1], ["nginx", 5]],
  );
});

Deno.test("the picture has a bar for each that was measured", () => {
  const [workload] = WORKLOADS;
  assert(workload !== undefined);
  const rows = [row("sameorigin", [12]), row("a<b", [6]), row("floor", [])];
  const none = { growths: [], resources: [] };
  const svg = plot({ workloads: [{ workload, rows }], ...none }) ?? "";
  assert.equal(svg.match(/<rect/g)?.length, 2);
  assert(svg.includes("a&#60;b") && svg.includes("12.0 µs"));
  assert.equal(plot({ workloads: [], ...none }), null);
});

Deno.test("no proxy is told to keep /dev/null as a file of its own", () => {
  const site = { port: 1, upstream: 2, locations: 5, workers: "one" } as const;
  // Caddy renames what it writes to after 100 MB.
  assert(!caddyfile(site).includes("/dev/null"));
});
