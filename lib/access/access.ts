/**
 * The access phase: who may come in, before a server is picked.
 *
 * @module
 */
import type {
  AccessCheckPlan,
  AccessPlan,
  LocationPlan,
} from "../config/plan.ts";
import type { ContentState } from "../content/state.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { authRequest } from "./auth_request.ts";
import { limitConn } from "./limit_conn.ts";
import { limitReq } from "./limit_req.ts";
import { checkOrigin } from "./origins.ts";
import { checkRules } from "./rules.ts";
import type { AccessStore } from "./store.ts";
import { ALLOWED, type Verdict } from "./verdict.ts";

/** What outlives a request. */
export interface AccessState extends ContentState {
  readonly access: AccessStore;
}

/** What a request is answered with; null lets it pass. */
type Refusal = LocalResponse | null;

/** Runs a location's checks in their order, up to one that refuses. */
export function access(
  request: Request,
  exchange: Exchange,
  location: LocationPlan,
  state: AccessState,
): Refusal | Promise<Refusal> {
  if (exchange.websocket) {
    const foreign = checkOrigin(exchange, location, state.access.notices);
    if (foreign !== null) return foreign;
  }
  const { access } = location;
  return access.length === 0
    ? null
    : new Access(request, exchange, state).checkFrom(0, access);
}

/** The checks of one request. */
class Access {
  constructor(
    readonly request: Request,
    readonly exchange: Exchange,
    readonly state: AccessState,
  ) {}

  /** Most checks answer at once, and wait for nobody. */
  checkFrom(
    index: number,
    checks: readonly AccessPlan[],
  ): Refusal | Promise<Refusal> {
    for (let i = index; i < checks.length; i++) {
      const verdict = this.#check(checks[i] as AccessPlan);
      if (verdict instanceof Promise) {
        return verdict.then((verdict) =>
          verdict instanceof LocalResponse
            ? verdict
            : this.checkFrom(i + 1, checks)
        );
      }
      if (verdict instanceof LocalResponse) return verdict;
    }
    return null;
  }

  #check(check: AccessPlan): Verdict | Promise<Verdict> {
    const { request, exchange, state: { access } } = this;
    const { reqCounters, connCounters, notices } = access;
    switch (check.kind) {
      case "limit_req":
        return limitReq(check, request, exchange, reqCounters, notices);
      case "limit_conn":
        return limitConn(check, exchange, connCounters);
      case "satisfy_any":
        return this.#any(check.checks);
      default:
        return this.#who(check);
    }
  }

  /** Who the client is. */
  #who(check: AccessCheckPlan): Verdict | Promise<Verdict> {
    const { request, exchange, state } = this;
    switch (check.kind) {
      case "access":
        return checkRules(check, exchange);
      case "auth_basic":
        return state.access.basicAuth.check(check, exchange);
      case "auth_request":
        return authRequest(check, request, exchange, state);
    }
  }

  /** As nginx's `satisfy any`: a 401 is what the client gets rather than a 403. */
  async #any(checks: readonly AccessCheckPlan[]): Promise<Verdict> {
    let refused = null as LocalResponse | null;
    for (const check of checks) {
      const verdict = await this.#who(check);
      if (verdict === ALLOWED) return ALLOWED;
      if (verdict === null) continue;
      const { status } = verdict;
      if (status !== 401 && status !== 403) return verdict;
      refused = refused?.status === 401
        ? withChallenges(refused, verdict)
        : verdict;
    }
    return refused;
  }
}

/** Two 401, or one and a 403: the client may choose how it says who it is. */
function withChallenges(
  first: LocalResponse,
  { headers }: LocalResponse,
): LocalResponse {
  const { status, detail, advice } = first;
  return new LocalResponse(status, detail, advice, [
    ...first.headers,
    ...headers,
  ]);
}
