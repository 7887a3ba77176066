/**
 * Upstreams' responses that lead elsewhere: `X-Accel-Redirect`, and
 * `proxy_intercept_errors`.
 *
 * @module
 */
import type { LocationPlan } from "../../config/plan.ts";
import type { Field } from "../../exchange/fields.ts";
import { InternalRedirect } from "../../exchange/internal_redirect.ts";
import { LocalResponse } from "../../exchange/local_response.ts";
import { parseUri } from "../../route/rewritten.ts";
import type { UpstreamResponse } from "../../transport/transport.ts";

/** What a response is replaced by; null for most, which go to the client. */
export function intercept(
  response: Pick<UpstreamResponse, "status" | "fields">,
  { settings, errorPages }: LocationPlan,
): InternalRedirect | LocalResponse | null {
  const { status, fields } = response;
  for (const [name, value] of fields) {
    // Most names differ in their length already.
    if (name !== "x-accel-redirect") continue;
    if (settings.proxy_ignore_headers.includes(name)) break;
    return new InternalRedirect(
      parseUri(value),
      fields.filter(([name]) => KEPT.has(name)),
    );
  }
  if (
    errorPages === null || !settings.proxy_intercept_errors ||
    !errorPages.has(status)
  ) return null;
  // As in nginx: without it no client can log in.
  const challenges = status === 401
    ? fields.filter(([name]) => name === "www-authenticate")
    : [];
  return new LocalResponse(
    status,
    "The service behind this address answers so.",
    null,
    challenges as Field[],
  );
}

/** What an answer keeps that leads elsewhere (nginx's ngx_http_upstream_headers_in). */
const KEPT: ReadonlySet<string> = new Set([
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-type",
  "expires",
  "set-cookie",
]);
