/**
 * The client's response, made from an upstream's.
 *
 * @module
 */
import { NULL_BODY } from "../../exchange/headers.ts";
import type { Field } from "../../exchange/fields.ts";
import type { UpstreamResponse } from "../../transport/transport.ts";
import { applyRules } from "./response_rules.ts";
import { rewriteRedirect, type Rewriting } from "./proxy_redirect.ts";

/**
 * The fields that the client gets: the upstream's end-to-end ones in their
 * order and number, `Location` and `Refresh` rewritten, and the proxy's own.
 *
 * @param cookie A `Set-Cookie` of the proxy's own, null for none.
 * @param isNoContent Whether a length would say something else than the status.
 */
export function responseFields(
  upstream: readonly Field[],
  rewriting: Rewriting,
  cookie: string | null,
  isNoContent = false,
): Field[] {
  const { exchange, plan } = rewriting;
  const given = plan.responseRules === null
    ? upstream
    : applyRules(upstream, plan.responseRules, exchange);
  const { requestId } = exchange;
  const fields: Field[] = [];
  for (const field of given) {
    const [name, value] = field;
    switch (name) {
      case "content-length":
        if (!isNoContent) fields.push(field);
        break;
      case "x-request-id":
        // The one that goes upstream and into the log.
        continue;
      case "location":
      case "refresh":
        fields.push([name, rewriteRedirect(name, value, rewriting)]);
        break;
      default:
        fields.push(field);
    }
  }
  fields.push(["x-request-id", requestId]);
  if (cookie !== null) fields.push(["set-cookie", cookie]);
  return fields;
}

/** The response for the client. */
export function clientResponse(
  upstream: UpstreamResponse,
  rewriting: Rewriting,
  cookie: string | null,
): Response {
  const { fields } = upstream;
  const { exchange } = rewriting;
  exchange.responseBody = upstream.body;
  const body = bodyFor(exchange.method, upstream);
  // Deno sends a 205 without any framing, for whose end a client of HTTP/1.1
  // would wait for ever (2.9.6). 204 says the same but for the form to clear.
  const status = upstream.status === 205 ? 204 : upstream.status;
  const response = new Response(body, { status });
  const { headers } = response;
  // To append costs less than to give them to the constructor, which compares
  // each name with all before it (Deno 2.9.6).
  const own = responseFields(fields, rewriting, cookie, status === 204);
  for (const [name, value] of own) {
    headers.append(name, value);
  }
  return response;
}

function bodyFor(
  method: string,
  { status, fields, body }: UpstreamResponse,
): BodyInit | null {
  if (NULL_BODY.has(status)) {
    body?.discard();
    return null;
  }
  // To a HEAD without a length Deno would add `content-length: 0`, which a GET
  // would not have (RFC 9110 section 8.6); a stream keeps it from that.
  if (
    method === "HEAD" && !fields.some(([name]) => name === "content-length")
  ) {
    return new ReadableStream({ start: (controller) => controller.close() });
  }
  return body === null ? null : body.whole ?? body.stream;
}
