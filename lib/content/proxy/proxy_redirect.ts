/**
 * `Location` and `Refresh` response headers that name the upstream are
 * rewritten to what the browser can reach: nginx's `proxy_redirect`.
 *
 * @module
 */
import type { LocationPlan, ProxyPlan } from "../../config/plan.ts";
import { absoluteUrl } from "../../exchange/absolute_redirect.ts";
import type { Exchange } from "../../exchange/exchange.ts";

/** Whose response it is. */
export interface Rewriting {
  readonly exchange: Exchange;
  readonly location: LocationPlan;
  readonly plan: ProxyPlan;
}

/**
 * The new value of a `location` or `refresh`. Under `proxy_redirect: default`, the
 * upstream's own origin (the name in `proxy_pass`, or the address of the server
 * that answered) and the path of `proxy_pass` become the location's prefix on
 * the origin that the client used, its port included.
 *
 * @param name In lower case; of any other field the value stays as it is.
 */
export function rewriteRedirect(
  name: string,
  value: string,
  rewriting: Rewriting,
): string {
  const { proxy_redirect } = rewriting.location.settings;
  if (proxy_redirect.kind === "off") return value;
  if (name === "location") return rewriteUrl(value, rewriting) ?? value;
  return name === "refresh" ? rewriteRefresh(value, rewriting) : value;
}

/** `5; url=http://backend/` as browsers read it. */
function rewriteRefresh(value: string, rewriting: Rewriting): string {
  const at = value.toLowerCase().indexOf("url=");
  if (at === -1) return value;
  const url = rewriteUrl(value.slice(at + 4), rewriting);
  return url === null ? value : value.slice(0, at + 4) + url;
}

/** The rewritten URL, or null where no rule fits. */
function rewriteUrl(url: string, rewriting: Rewriting): string | null {
  const { location, plan, exchange } = rewriting;
  const rule = location.settings.proxy_redirect;
  if (rule.kind === "off") return null;
  if (rule.kind === "pairs") {
    for (const { from, to } of rule.pairs) {
      if (url.startsWith(from)) {
        return absoluteUrl(to(exchange) + url.slice(from.length), exchange);
      }
    }
    return null;
  }
  const path = afterOrigin(url, rewriting);
  if (path === null) return null;
  if (plan.passUri === null) return absoluteUrl(path, exchange);
  if (!path.startsWith(plan.passUri)) return null;
  const rest = path.slice(plan.passUri.length);
  return absoluteUrl(location.prefix + rest, exchange);
}

/** What follows the upstream's own origin in a URL, or null for another origin. */
function afterOrigin(
  url: string,
  { plan, exchange }: Rewriting,
): string | null {
  for (const host of [exchange.proxyHost, exchange.upstreamAddr]) {
    const origin = `${plan.upstream.scheme}://${host}`;
    if (!url.startsWith(origin)) continue;
    const rest = url.slice(origin.length);
    if (rest === "") return "/";
    if (rest[0] === "/") return rest;
    if (rest[0] === "?" || rest[0] === "#") return "/" + rest;
  }
  return null;
}
