/**
 * The upstream groups of a plan, and how they pass from one plan to the next.
 *
 * @module
 */
import type { UpstreamPlan } from "../config/plan.ts";
import type { Deadlines } from "../exchange/deadline.ts";
import type { Metrics } from "../observe/metrics/metrics.ts";
import { createTransport } from "../transport/create.ts";
import { watchHealth } from "./active_health.ts";
import { UpstreamGroup } from "./group.ts";

/** What groups are made with. */
export interface GroupParts {
  readonly deadlines: Deadlines;
  /** Hears of servers that go and come. */
  readonly report: (line: string) => void;
  /** Null where nothing is counted. */
  readonly metrics: Metrics | null;
}

/** The groups of one plan. */
export class UpstreamGroups {
  readonly #groups = new Map<UpstreamPlan, UpstreamGroup>();
  readonly #identities = new Map<string, UpstreamGroup>();

  /**
   * @param previous The groups of the plan that this one replaces: a group
   * whose plan reads the same goes on as it is, with its connections and what
   * it knows of its servers.
   */
  constructor(
    plans: readonly UpstreamPlan[],
    parts: GroupParts,
    previous?: UpstreamGroups,
  ) {
    const before = previous === undefined ? null : previous.#identities;
    for (const plan of plans) {
      // What a group counts is decided when it begins.
      const counted = parts.metrics === null ? "" : "counted ";
      const identity = counted + JSON.stringify(plan);
      let group = before?.get(identity);
      if (group === undefined) group = begin(plan, parts);
      else group.retain();
      this.#groups.set(plan, group);
      this.#identities.set(identity, group);
    }
  }

  get(plan: UpstreamPlan): UpstreamGroup {
    const group = this.#groups.get(plan);
    if (group === undefined) throw new Error(`no group for ${plan.name}`);
    return group;
  }

  /** Each group once. */
  all(): UpstreamGroup[] {
    return [...this.#identities.values()];
  }

  /**
   * The plan is in effect no longer: groups close that no other plan has and no
   * exchange uses.
   */
  release(): void {
    for (const group of this.#identities.values()) group.release();
  }
}

function begin(
  plan: UpstreamPlan,
  { deadlines, report, metrics }: GroupParts,
): UpstreamGroup {
  const group = new UpstreamGroup(
    plan,
    (address, counted) =>
      createTransport(plan, address, deadlines, counted?.connect ?? null),
    undefined,
    metrics,
  );
  watchHealth(group, report);
  return group;
}
