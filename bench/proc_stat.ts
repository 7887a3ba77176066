/**
 * CPU time of processes, from Linux's `/proc`.
 *
 * @module
 */

/** Clock ticks a second: `USER_HZ`, which Linux fixes at 100 for programs. */
const TICKS = 100;

/** What `/proc/PID/stat` says (proc(5)). */
export interface ProcStat {
  readonly pid: number;
  readonly parent: number;
  /** Milliseconds of CPU, user and system, of all threads; those that ended too. */
  readonly cpu: number;
  /** The same of children that ended and were waited for. */
  readonly childrenCpu: number;
}

/**
 * Reads the line of `/proc/PID/stat`.
 *
 * @throws {Error} if it is none.
 */
export function parseStat(line: string): ProcStat {
  // The name, in parentheses, may hold spaces and parentheses itself.
  const end = line.lastIndexOf(")");
  const pid = Number.parseInt(line);
  const fields = line.slice(end + 2).trim().split(" ").map(Number);
  // The first of them is the third of proc(5), state.
  const [parent, utime, stime, cutime, cstime] = [1, 11, 12, 13, 14]
    .map((i) => fields[i] ?? NaN) as [number, number, number, number, number];
  const cpu = (utime + stime) * 1000 / TICKS;
  const childrenCpu = (cutime + cstime) * 1000 / TICKS;
  if (end === -1 || Number.isNaN(pid + parent + cpu + childrenCpu)) {
    throw new Error(`not a line of /proc/PID/stat: ${line}`);
  }
  return { pid, parent, cpu, childrenCpu };
}

/** A process and its descendants, by their parents. */
export function familyOf(
  root: number,
  processes: readonly ProcStat[],
): ProcStat[] {
  const family = processes.filter(({ pid }) => pid === root);
  for (let i = 0; i < family.length; i++) {
    const { pid } = family[i] as ProcStat;
    family.push(...processes.filter(({ parent }) => parent === pid));
  }
  return family;
}

/** The processes that run now: a process and its descendants. */
export function family(root: number): ProcStat[] {
  const processes: ProcStat[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      processes.push(parseStat(Deno.readTextFileSync(`/proc/${name}/stat`)));
    } catch {
      // It has just ended.
    }
  }
  return familyOf(root, processes);
}

/**
 * CPU time used so far by a process and its descendants, in milliseconds. In
 * steps of 10.
 */
export function cpuOf(root: number): number {
  return family(root).reduce((sum, { cpu }) => sum + cpu, 0);
}

/** CPU time of children of this process that have ended, in milliseconds. */
export function endedChildrenCpu(): number {
  return parseStat(Deno.readTextFileSync("/proc/self/stat")).childrenCpu;
}

/**
 * Resident memory of a process and its descendants, in KiB. The largest counts
 * whole, as with a single process; of the others what they share with nobody.
 */
export function residentKiB(root: number): number {
  const sizes = family(root).map(({ pid }) => {
    const rollup = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
    const kib = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup)?.[1]);
    const own = kib("Private_Clean") + kib("Private_Dirty");
    return { all: kib("Rss"), own };
  });
  const [largest, ...others] = sizes.sort((a, b) => b.all - a.all);
  return others.reduce((sum, { own }) => sum + own, largest?.all ?? NaN);
}
