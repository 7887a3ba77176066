/**
 * Who may come in, by address: nginx's `allow` and `deny`.
 *
 * @module
 */
import type { AccessRule, AccessRulesPlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { isIn } from "../route/network.ts";
import { ALLOWED, type Verdict } from "./verdict.ts";

/** Refuses clients by their address. */
export function checkRules(
  { rules }: AccessRulesPlan,
  { remoteAddr }: Exchange,
): Verdict {
  const rule = findRule(rules, remoteAddr);
  if (rule === null) return null;
  return rule.kind === "allow" ? ALLOWED : new LocalResponse(
    403,
    "Your address may not see this.",
    `${remoteAddr}: "${rule.written}" of config.yaml says so`,
  );
}

/**
 * The first rule that fits; null where none does.
 *
 * @param address Of the client; `unix:` for a peer on a unix socket.
 */
export function findRule(
  rules: readonly AccessRule[],
  address: string,
): AccessRule | null {
  for (const rule of rules) {
    if (rule.clients === "all" || isIn(rule.clients, address)) return rule;
  }
  return null;
}
