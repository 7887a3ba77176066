/**
 * `auth_request`: another location decides who may come in.
 *
 * @module
 */
import type { AuthRequestPlan, LocationPlan } from "../config/plan.ts";
import { content } from "../content/content.ts";
import type { ContentState } from "../content/state.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Field } from "../exchange/fields.ts";
import { InternalRedirect } from "../exchange/internal_redirect.ts";
import {
  CLIENT_CLOSED_REQUEST,
  LocalResponse,
} from "../exchange/local_response.ts";
import { subrequestOf } from "../exchange/subrequest.ts";
import { findLocation } from "../route/location.ts";
import { ALLOWED, type Verdict } from "./verdict.ts";

/**
 * What of a refusal goes to the client. nginx passes only on how to log in; who
 * leads a login (oauth2-proxy, Django) also sets cookies.
 */
const PASSED_ON = {
  401: ["www-authenticate", "set-cookie"],
  403: ["set-cookie"],
};

/** Asks the location; what the config wants to know of its answer goes into variables. */
export async function authRequest(
  plan: AuthRequestPlan,
  request: Request,
  exchange: Exchange,
  state: ContentState,
): Promise<Verdict> {
  const location = authLocation(plan, exchange);
  if (location === null) {
    return unexpected(404, plan, exchange, state);
  }
  const subrequest = subrequestOf(exchange, plan.target);
  subrequest.location = location;
  try {
    // As in nginx, the access phase is for requests of clients.
    const answer = await content(request, subrequest, location, state);
    if (answer instanceof InternalRedirect) {
      return unexpected("another path", plan, exchange, state);
    }
    setVariables(plan, subrequest, exchange);
    const verdict = verdictOf(answer, plan, exchange, state);
    if (answer instanceof Response) await answer.body?.cancel();
    return verdict;
  } finally {
    subrequest.end();
  }
}

/** The location that is asked; null where there is none. */
export function authLocation(
  { target }: AuthRequestPlan,
  { server }: Exchange,
): LocationPlan | null {
  const match = findLocation(server.locations, target.path);
  return match?.kind === "found" ? match.location : null;
}

function setVariables(
  { set }: AuthRequestPlan,
  subrequest: Exchange,
  exchange: Exchange,
): void {
  if (set.length === 0) return;
  const variables = new Map(exchange.variables);
  for (const { name, value } of set) variables.set(name, value(subrequest));
  exchange.variables = variables;
}

function verdictOf(
  answer: Response | LocalResponse,
  plan: AuthRequestPlan,
  exchange: Exchange,
  state: ContentState,
): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return ALLOWED;
  if (status === 401 || status === 403) {
    return new LocalResponse(
      status,
      status === 401 ? "You are not logged in." : "You may not see this.",
      `auth_request ${plan.uri} of config.yaml says so`,
      fieldsOf(answer).filter(([name]) => PASSED_ON[status].includes(name)),
    );
  }
  if (status === CLIENT_CLOSED_REQUEST && answer instanceof LocalResponse) {
    return answer;
  }
  return unexpected(status, plan, exchange, state);
}

/** An answer that is none to the question: nobody passes. */
function unexpected(
  status: number | string,
  { uri }: AuthRequestPlan,
  { location }: Exchange,
  { errorLog }: ContentState,
): LocalResponse {
  const advice = `auth_request ${uri} was answered with ${status}: only 2xx, ` +
    "401 and 403 say whether a request may pass";
  errorLog(`500 ${location?.key}: ${advice}`);
  return new LocalResponse(
    500,
    "Whether you may see this can't be found out right now.",
    advice,
  );
}

function fieldsOf(answer: Response | LocalResponse): readonly Field[] {
  return answer instanceof LocalResponse
    ? answer.headers
    // Repeated ones are joined, but for Set-Cookie.
    : [...answer.headers].map(([name, value]) => [name, value]);
}
