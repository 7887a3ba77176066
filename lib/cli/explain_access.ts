/**
 * What the access phase says of a request, as far as it can be told without
 * sending anything.
 *
 * @module
 */
import { basicAuthWords } from "../access/auth_basic.ts";
import { authLocation } from "../access/auth_request.ts";
import { refuseOrigin } from "../access/origins.ts";
import { checkRules, findRule } from "../access/rules.ts";
import type {
  AccessCheckPlan,
  AccessPlan,
  LimitReqLimit,
  LocationPlan,
} from "../config/plan.ts";
import { quote } from "../config/words.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { isMasked } from "../observe/recorder/masking.ts";
import { readable } from "../route/bytes.ts";

/** A check, and what it says in words. */
export interface ExplainedCheck {
  readonly check: string;
  readonly verdict: string;
}

interface Explained extends ExplainedCheck {
  /**
   * What a request is refused with; `passes` where it lets the request pass, null
   * where it has nothing against it, `asks` where only sending would tell.
   */
  readonly outcome: LocalResponse | "passes" | "asks" | null;
}

/** Says what each check of a location says, up to one that refuses for sure. */
export function explainAccess(
  exchange: Exchange,
  location: LocationPlan,
): { checks: ExplainedCheck[]; refusal: LocalResponse | null } {
  const checks: ExplainedCheck[] = [];
  const explained = [
    ...exchange.websocket ? [originOf(exchange, location)] : [],
    ...location.access.flatMap((check) => explain(check, exchange)),
  ];
  for (const { check, verdict, outcome } of explained) {
    checks.push({ check, verdict });
    if (outcome instanceof LocalResponse) return { checks, refusal: outcome };
  }
  return { checks, refusal: null };
}

function originOf(exchange: Exchange, location: LocationPlan): Explained {
  const check = "websocket_origins";
  const { origin } = exchange.fields;
  if (origin === null) {
    return { check, verdict: "passes: no page asks", outcome: "passes" };
  }
  const refusal = refuseOrigin(exchange, location);
  return refusal === null
    ? { check, verdict: `passes: a page of ${origin}`, outcome: "passes" }
    : { check, verdict: `refused: ${refusal.advice}`, outcome: refusal };
}

function explain(check: AccessPlan, exchange: Exchange): Explained[] {
  switch (check.kind) {
    case "limit_req":
      return check.limits.map((limit) => ({
        check: "limit_req",
        verdict: limitWords(limit, exchange) +
          (check.dryRun ? " (dry run: it only tells)" : ""),
        outcome: "asks",
      }));
    case "limit_conn":
      return [{
        check: "limit_conn",
        verdict: "passes while there is a place",
        outcome: "asks",
      }];
    case "satisfy_any":
      return anyOf(check.checks.map((each) => who(each, exchange)));
    default:
      return [who(check, exchange)];
  }
}

function limitWords(limit: LimitReqLimit, exchange: Exchange): string {
  const { zone: { key, rateWritten }, burst, delay, name } = limit;
  const value = key.template(exchange);
  if (value === "") return `passes: ${key.written} is empty`;
  const early = burst === 0 ? "" : `, and ${burst / 1000} that come too early` +
    (delay >= burst
      ? ""
      : delay === 0
      ? ", delayed"
      : `, delayed past ${delay / 1000}`);
  return `passes up to ${rateWritten}${early}, of ${key.written} ` +
    `${quote(readable(value))} (${name})`;
}

function who(check: AccessCheckPlan, exchange: Exchange): Explained {
  switch (check.kind) {
    case "access": {
      const rule = findRule(check.rules, exchange.remoteAddr);
      const verdict = checkRules(check, exchange);
      const words = rule === null
        ? `passes: no rule is for ${exchange.remoteAddr}`
        : `${rule.kind === "allow" ? "allowed" : "denied"} by ` +
          `${quote(rule.written)} ${check.place}`;
      return {
        check: "access",
        verdict: words,
        outcome: verdict === "allowed" ? "passes" : verdict,
      };
    }
    case "auth_basic": {
      if (isMasked(exchange.fields.authorization ?? "")) {
        const verdict = `asks for a password in ${check.file}: it is masked`;
        return { check: "auth_basic", verdict, outcome: "asks" };
      }
      const { words, refusal } = basicAuthWords(check, exchange);
      return {
        check: "auth_basic",
        verdict: words,
        outcome: refusal ?? "asks",
      };
    }
    case "auth_request": {
      const location = authLocation(check, exchange);
      const to = location?.content.kind === "proxy"
        ? `, ${location.content.proxyPass}`
        : "";
      return {
        check: "auth_request",
        verdict: `asks GET ${check.uri} (${location?.key}${to}): 2xx passes`,
        outcome: "asks",
      };
    }
  }
}

/** `satisfy any`: one that passes is enough; where all refuse, 401 is the answer. */
function anyOf(checks: readonly Explained[]): Explained[] {
  const passing = checks.findIndex(({ outcome }) => outcome === "passes");
  const seen = passing === -1 ? checks : checks.slice(0, passing + 1);
  const refusals = seen.map(({ outcome }) => outcome)
    .filter((outcome) => outcome instanceof LocalResponse);
  const open = seen.some(({ outcome }) => outcome === "asks");
  const refusal = passing !== -1 || open
    ? null
    : refusals.find(({ status }) => status === 401) ?? refusals.at(-1) ?? null;
  return seen.map(({ check, verdict }, i) => ({
    check,
    verdict: `${verdict}; satisfy any`,
    outcome: i === seen.length - 1 ? refusal : null,
  }));
}
