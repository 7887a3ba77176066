/** The parts of the benchmark that need no proxy. */
import assert from "node:assert/strict";
import { sampleOf } from "../bench/load.ts";
import {
  cpuOf,
  family,
  familyOf,
  parseStat,
  residentKiB,
} from "../bench/proc_stat.ts";
import { median, medianRatio, spread } from "../bench/statistics.ts";
import { digits, table } from "../bench/table.ts";
import {
  lastTarget,
  nginxConfig,
  prefixes,
  sameoriginConfig,
} from "../bench/configs.ts";
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
    last.setHeaders.map(({ name }) => name),
    locate(plan(shipped), "/api").setHeaders.map(({ name }) => name),
  );
});
