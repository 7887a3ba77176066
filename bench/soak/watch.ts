/**
 * What a process holds, second by second.
 *
 * @module
 */
import { cpuOf } from "../proc_stat.ts";
import { residentMiB } from "../resident.ts";

/** What a process held at some time. */
export interface Holding {
  /** Seconds since the watch began. */
  readonly at: number;
  /** Resident memory in MiB. */
  readonly resident: number;
  /** Open descriptors. */
  readonly descriptors: number;
  /** Milliseconds of CPU so far. */
  readonly cpu: number;
}

/** What each descriptor is, sockets and pipes without their numbers, with how many. */
export function descriptorsOf(pid: number): Map<string, number> {
  const kinds = new Map<string, number>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    let kind: string;
    try {
      kind = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      // It has just been closed.
      continue;
    }
    kind = kind.replace(/:\[\d+\]$/, "");
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return kinds;
}

/** Looks at a process each second until disposed of. */
export class Watch implements Disposable {
  readonly holdings: Holding[] = [];
  readonly #begun = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(readonly pid: number) {
    this.#timer = setInterval(() => this.look(), 1_000);
  }

  async look(): Promise<Holding> {
    const holding = {
      at: (performance.now() - this.#begun) / 1_000,
      resident: await residentMiB(this.pid),
      descriptors: sum(descriptorsOf(this.pid).values()),
      cpu: cpuOf(this.pid),
    };
    this.holdings.push(holding);
    return holding;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function sum(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** MiB a second by which resident memory grows: the line of least squares. */
export function growth(holdings: readonly Holding[]): number {
  const mean = (values: number[]) => sum(values) / values.length;
  const at = mean(holdings.map(({ at }) => at));
  const resident = mean(holdings.map(({ resident }) => resident));
  let above = 0;
  let below = 0;
  for (const holding of holdings) {
    above += (holding.at - at) * (holding.resident - resident);
    below += (holding.at - at) ** 2;
  }
  return above / below;
}
