/**
 * The access phase: who may come in, before a server is picked.
 *
 * @module
 */
import type { AccessPlan, LocationPlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { LocalResponse } from "../exchange/local_response.ts";
import { type ConnCounters, limitConn } from "./limit_conn.ts";

/** What the checks share; outlives the requests. */
export interface AccessState {
  readonly connCounters: ConnCounters;
}

/** What a check says: null lets the request pass. */
type Verdict = LocalResponse | null;

/** Runs a location's checks in their order, up to one that refuses. */
export function access(
  exchange: Exchange,
  { access }: LocationPlan,
  state: AccessState,
): Verdict | Promise<Verdict> {
  return access.length === 0 ? null : checkFrom(0, access, exchange, state);
}

/** Most checks answer at once, and wait for nobody. */
function checkFrom(
  index: number,
  checks: readonly AccessPlan[],
  exchange: Exchange,
  state: AccessState,
): Verdict | Promise<Verdict> {
  for (let i = index; i < checks.length; i++) {
    const verdict = check(checks[i] as AccessPlan, exchange, state);
    if (verdict instanceof Promise) {
      return verdict.then((verdict) =>
        verdict ?? checkFrom(i + 1, checks, exchange, state)
      );
    }
    if (verdict !== null) return verdict;
  }
  return null;
}

function check(
  check: AccessPlan,
  exchange: Exchange,
  { connCounters }: AccessState,
): Verdict | Promise<Verdict> {
  switch (check.kind) {
    case "limit_conn":
      return limitConn(check, exchange, connCounters);
  }
}
