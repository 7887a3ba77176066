/**
 * What the proxy answers by itself, for `sameorigin explain`.
 *
 * @module
 */
import type { AcmeChallengePlan, ReturnPlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { readable } from "../route/bytes.ts";

/** The status of the answer, and what it says or why. */
export function explainOwn(
  exchange: Exchange,
  content: ReturnPlan | AcmeChallengePlan,
): { status: number; reason: string } {
  if (content.kind === "acme_challenge") {
    const { folder } = content;
    const reason = `the answer to a challenge in ${folder}, or 404`;
    return { status: 200, reason };
  }
  const { status, text } = content;
  return {
    status,
    reason: text === null ? "return" : readable(text(exchange)),
  };
}
