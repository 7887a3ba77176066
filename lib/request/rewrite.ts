/**
 * Rewrite: another URI for a request, or a redirect, before access (nginx's
 * ngx_http_rewrite_module).
 *
 * @module
 */
import type { RewriteRule } from "../config/plan.ts";
import { absoluteUrl } from "../exchange/absolute_redirect.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { Rerouting } from "../exchange/rerouting.ts";
import { utf8Bytes } from "../route/bytes.ts";
import { asciiBytes, rewrittenTarget } from "../route/rewritten.ts";

/**
 * Runs rules in their order, up to one that ends the phase.
 *
 * @returns Whether the URI has changed so that a location has to be looked for;
 * an answer for a redirect, or where the new URI is none.
 */
export function rewrite(
  exchange: Exchange,
  rules: readonly RewriteRule[],
): LocalResponse | boolean {
  let changed = false;
  for (const rule of rules) {
    exchange.captures = rule.regex.exec(exchange.path);
    if (exchange.captures === null) continue;
    exchange.rerouting ??= new Rerouting(exchange.method);
    exchange.rerouting.rules.push(rule.written);
    const { action } = rule;
    if (action.kind === "redirect") {
      return redirect(action.status, rule, exchange);
    }
    const refused = change(rule, exchange, exchange.rerouting);
    if (refused !== null) return refused;
    if (action.kind === "break") return false;
    changed = true;
    if (action.kind === "last") return true;
  }
  return changed;
}

function change(
  rule: RewriteRule,
  exchange: Exchange,
  rerouting: Rerouting,
): LocalResponse | null {
  const path = rule.replacement.path(exchange);
  const target = rewrittenTarget(path, argsOf(rule, exchange));
  if (target === null) {
    return new LocalResponse(
      400,
      "The path would leave that of the config's rewrite.",
      `rewrite ${rule.written} makes ${path} of it`,
    );
  }
  rerouting.isInternal = true;
  if (rule.action.kind === "break") rerouting.isFinal = true;
  exchange.target = target;
  return null;
}

function redirect(
  status: number,
  rule: RewriteRule,
  exchange: Exchange,
): LocalResponse {
  const args = argsOf(rule, exchange);
  const url = rule.replacement.path(exchange) + (args === "" ? "" : `?${args}`);
  return new LocalResponse(status, "This is somewhere else.", null, [
    ["location", absoluteUrl(url, exchange)],
  ]);
}

/** The new query, and the request's own behind it; ASCII. */
function argsOf(
  { replacement: { args }, addsArgs }: RewriteRule,
  exchange: Exchange,
): string {
  // Deno gives raw UTF-8 in a target as characters.
  const own = addsArgs ? asciiBytes(utf8Bytes(exchange.args)) : "";
  if (args === null) return own;
  const rendered = asciiBytes(args(exchange));
  return own === "" ? rendered : `${rendered}&${own}`;
}
