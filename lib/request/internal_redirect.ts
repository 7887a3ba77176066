/**
 * Internal redirects: the request is routed again, with another URI.
 *
 * @module
 */
import type { Exchange } from "../exchange/exchange.ts";
import type { InternalRedirect } from "../exchange/internal_redirect.ts";
import { LocalResponse } from "../exchange/local_response.ts";

/** nginx's NGX_HTTP_MAX_URI_CHANGES: more is taken for a cycle. */
const MOST_REDIRECTS = 10;

/**
 * Prepares a request for where its answer leads.
 *
 * @param before How many there have been for this request.
 * @returns Null for one that is to be routed again.
 */
export function redirectInternally(
  { target }: InternalRedirect,
  before: number,
  exchange: Exchange,
): LocalResponse | null {
  if (target === null) return new LocalResponse(404, "There is no such path.");
  if (before === MOST_REDIRECTS) {
    return new LocalResponse(
      500,
      "The config leads this request in circles.",
      "its index or try_files leads back to itself",
    );
  }
  exchange.target = target;
  return null;
}
