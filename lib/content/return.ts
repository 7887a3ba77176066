/**
 * `return`: an answer that the config itself gives (nginx's
 * ngx_http_rewrite_module).
 *
 * @module
 */
import type { RedirectPlan, ReturnPlan } from "../config/plan.ts";
import { absoluteUrl } from "../exchange/absolute_redirect.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { NULL_BODY } from "../exchange/headers.ts";
import { LocalResponse } from "../exchange/local_response.ts";

/** The answer of a `return` with a status, and perhaps a text. */
export function returned(
  { status, text, type }: ReturnPlan,
  exchange: Exchange,
): Response | LocalResponse {
  if (text === null) {
    return new LocalResponse(status, "The config answers so.");
  }
  // Templates render to byte strings.
  const body = bytesOf(text(exchange));
  exchange.responseBody = { whole: body, size: body.length, failure: null };
  const empty = NULL_BODY.has(status);
  const headers: [string, string][] = [["x-request-id", exchange.requestId]];
  if (!empty) {
    headers.push(
      ["content-type", type],
      ["content-length", String(body.length)],
    );
  }
  return new Response(
    empty || exchange.method === "HEAD" ? null : body,
    { status, headers },
  );
}

/** The answer of a `return` with a URL. */
export function redirected(
  { status, location }: RedirectPlan,
  exchange: Exchange,
): LocalResponse {
  return new LocalResponse(status, "This is somewhere else.", null, [
    ["location", absoluteUrl(location(exchange), exchange)],
  ]);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
