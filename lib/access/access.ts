/**
 * The access phase: who may come in, before a server is picked.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { LocalResponse } from "../exchange/local_response.ts";
import { type ConnCounters, limitConn } from "./limit_conn.ts";

/** What the checks share; outlives the requests. */
export interface AccessState {
  readonly connCounters: ConnCounters;
}

/** Runs a location's checks in their order: null where all let the request pass. */
export function access(
  exchange: Exchange,
  location: LocationPlan,
  { connCounters }: AccessState,
): LocalResponse | null {
  for (const check of location.access) {
    const refusal = limitConn(check, exchange, connCounters);
    if (refusal !== null) return refusal;
  }
  return null;
}
