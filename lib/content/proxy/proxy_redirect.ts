/**
 * `Location` and `Refresh` response headers that name the upstream are
 * rewritten to what the browser can reach: nginx's `proxy_redirect`.
 *
 * @module
 */
import type { PreparedRequest } from "./prepared.ts";

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
  prepared: PreparedRequest,
): string {
  if (prepared.location.settings.proxy_redirect.kind === "off") return value;
  if (name === "location") return rewriteUrl(value, prepared) ?? value;
  return name === "refresh" ? rewriteRefresh(value, prepared) : value;
}

/** `5; url=http://backend/` as browsers read it. */
function rewriteRefresh(value: string, prepared: PreparedRequest): string {
  const at = value.toLowerCase().indexOf("url=");
  if (at === -1) return value;
  const url = rewriteUrl(value.slice(at + 4), prepared);
  return url === null ? value : value.slice(0, at + 4) + url;
}

/** The rewritten URL, or null where no rule fits. */
function rewriteUrl(url: string, prepared: PreparedRequest): string | null {
  const { location, context } = prepared;
  const rule = location.settings.proxy_redirect;
  if (rule.kind === "off") return null;
  if (rule.kind === "pairs") {
    for (const { from, to } of rule.pairs) {
      if (url.startsWith(from)) {
        return absolute(to(context) + url.slice(from.length), prepared);
      }
    }
    return null;
  }
  const path = afterOrigin(url, prepared);
  if (path === null) return null;
  if (location.content.passUri === null) return absolute(path, prepared);
  if (!path.startsWith(location.content.passUri)) return null;
  const rest = path.slice(location.content.passUri.length);
  return absolute(location.prefix + rest, prepared);
}

/** What follows the upstream's own origin in a URL, or null for another origin. */
function afterOrigin(url: string, prepared: PreparedRequest): string | null {
  const { upstream } = prepared.location.content;
  for (const host of [prepared.context.proxyHost, prepared.address.name]) {
    const origin = `${upstream.scheme}://${host}`;
    if (!url.startsWith(origin)) continue;
    const rest = url.slice(origin.length);
    if (rest === "") return "/";
    if (rest[0] === "/") return rest;
    if (rest[0] === "?" || rest[0] === "#") return "/" + rest;
  }
  return null;
}

/** nginx's `absolute_redirect`, with the port that the client used. */
function absolute(url: string, prepared: PreparedRequest): string {
  const { scheme, authority } = prepared;
  return url[0] === "/" && authority !== null
    ? `${scheme}://${authority}${url}`
    : url;
}
