/**
 * nginx's `absolute_redirect`.
 *
 * @module
 */
import type { Exchange } from "./exchange.ts";

/**
 * A URL for `Location`: a path gets the origin that the client used, its port
 * included.
 */
export function absoluteUrl(
  url: string,
  { scheme, authority }: Exchange,
): string {
  return url[0] === "/" && authority !== null
    ? `${scheme}://${authority}${url}`
    : url;
}
