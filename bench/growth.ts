/**
 * What a request costs as the config and the number of connections grow.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import { type Entry, isAble, type Row, type Task } from "./rounds.ts";

/** Something that grows. */
export interface Growth {
  /** For `--only=NAME`. */
  readonly name: string;
  readonly title: string;
  /** What is said beneath its table. */
  readonly note: string;
  /** How many there are. */
  readonly points: readonly number[];
  /** The point that the others are compared with. */
  readonly base: number;
  /** sameorigin's CPU at the last point, at most so many times that at the base. */
  readonly limit?: number;
  task(point: number): Task;
}

export const GROWTHS: readonly Growth[] = [
  {
    name: "growth-locations",
    title: "a small GET, by the number of locations",
    note: "The request is for the last one.",
    points: [1, 5, 100, 1_000],
    base: 5,
    limit: 1.05,
    task: (locations) => ({
      load: { kind: "wrk", page: "small", connections: 64 },
      locations,
      workers: "one",
    }),
  },
  {
    name: "growth-connections",
    title: "a small GET, by the number of open connections",
    note: "Up to 64 requests are under way at once, on all of them in turn.",
    points: [1, 100, 1_000, 10_000],
    base: 100,
    task: (connections) => ({
      load: { kind: "rotate", page: "small", connections },
      locations: 5,
      workers: "one",
    }),
  },
];

/**
 * The points that this machine can do: a proxy needs a descriptor for each
 * connection, and some beside.
 *
 * @param descriptors What `ulimit -n` says.
 */
export function possiblePoints(
  growth: Growth,
  descriptors: number,
): readonly number[] {
  return growth.points.filter((point) => {
    const { load } = growth.task(point);
    return load.connections + 200 <= descriptors;
  });
}

/**
 * Each contender that can do all of the points, at each of them: those that are
 * made for much, and the lowest of the floors.
 */
export function growthEntries(
  growth: Growth,
  contenders: readonly Contender[],
  points: readonly number[],
): Entry[] {
  return contenders.flatMap((contender) => {
    const isMeant = contender.floor
      ? contender.name === "floor"
      : contender.can.has("locations");
    if (!isMeant) return [];
    const entries = points.map((point): Entry => ({
      contender,
      task: growth.task(point),
      label: `${growth.name} ${point} ${contender.name}`,
    }));
    return entries.every(({ task }) => isAble(contender, task)) ? entries : [];
  });
}

/** The row of a contender at a point. */
export function rowAt(
  growth: Growth,
  rows: readonly Row[],
  contender: string,
  point: number,
): Row | undefined {
  const wanted = JSON.stringify(growth.task(point));
  return rows.find((row) =>
    row.contender.name === contender && JSON.stringify(row.task) === wanted
  );
}

/** The `ulimit -n` of this process, which what it starts inherits. */
export function descriptorLimit(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}
