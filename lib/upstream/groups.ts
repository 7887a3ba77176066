/**
 * The upstream groups of a plan, and how they pass from one plan to the next.
 *
 * @module
 */
import type { UpstreamPlan } from "../config/plan.ts";
import { UpstreamGroup } from "./group.ts";

/** The groups of one plan. */
export class UpstreamGroups {
  readonly #groups = new Map<UpstreamPlan, UpstreamGroup>();
  readonly #identities = new Map<string, UpstreamGroup>();

  /**
   * @param previous The groups of the plan that this one replaces: a group
   * whose plan reads the same goes on as it is, with its connections and what
   * it knows of its servers.
   * @param begin Called with each group that is new.
   */
  constructor(
    plans: readonly UpstreamPlan[],
    previous?: UpstreamGroups,
    begin: (group: UpstreamGroup) => void = () => {},
  ) {
    const before = previous === undefined
      ? new Map<string, UpstreamGroup>()
      : previous.#identities;
    const started = (plan: UpstreamPlan) => {
      const group = new UpstreamGroup(plan);
      begin(group);
      return group;
    };
    for (const plan of plans) {
      const identity = JSON.stringify(plan);
      const group = before.get(identity) ?? started(plan);
      this.#groups.set(plan, group);
      this.#identities.set(identity, group);
    }
  }

  get(plan: UpstreamPlan): UpstreamGroup {
    const group = this.#groups.get(plan);
    if (group === undefined) throw new Error(`no group for ${plan.name}`);
    return group;
  }

  /**
   * Closes the groups, except those that `next` took over. What is in flight
   * ends as it would.
   */
  close(next?: UpstreamGroups): void {
    const kept = new Set(next === undefined ? [] : next.#identities.values());
    for (const group of this.#identities.values()) {
      if (!kept.has(group)) group.close();
    }
  }
}
