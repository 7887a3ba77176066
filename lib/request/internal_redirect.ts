/**
 * Error pages and other internal redirects: the request begins again in its
 * server, with another URI (nginx's ngx_http_special_response.c).
 *
 * @module
 */
import type { ErrorPage, LocationPlan } from "../config/plan.ts";
import { absoluteUrl } from "../exchange/absolute_redirect.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Field } from "../exchange/fields.ts";
import { NULL_BODY } from "../exchange/headers.ts";
import { InternalRedirect } from "../exchange/internal_redirect.ts";
import {
  CLIENT_CLOSED_REQUEST,
  LocalResponse,
} from "../exchange/local_response.ts";
import { Rerouting } from "../exchange/rerouting.ts";
import type { Target } from "../route/path.ts";
import { asciiBytes, rewrittenTarget } from "../route/rewritten.ts";

/**
 * Prepares a request for where its answer leads.
 *
 * @returns `again` where it is to enter its server once more; else the answer of
 * the proxy's own to send.
 */
export function redirectInternally(
  answer: LocalResponse | InternalRedirect,
  exchange: Exchange,
): "again" | LocalResponse {
  if (answer instanceof InternalRedirect) {
    return answer.target === null
      ? redirectInternally(
        notFound("where the answer leads to is no URI"),
        exchange,
      )
      : begin(exchange, answer.target, answer.fields, answer.keepsMethod);
  }
  const page = pageFor(answer, exchange);
  if (page === null) return ownPage(answer, exchange);
  // As in nginx (recursive_error_pages off) an error page has none itself.
  const rerouting = exchange.rerouting ??= new Rerouting(exchange.method);
  rerouting.isErrorPage = true;
  if (page.kind === "redirect") {
    return ownPage(
      new LocalResponse(page.status, "This is somewhere else.", null, [
        ["location", absoluteUrl(page.url(exchange), exchange)],
      ]),
      exchange,
    );
  }
  const target = rewrittenTarget(
    page.path(exchange),
    asciiBytes(page.args(exchange)),
  );
  if (target === null) return ownPage(answer, exchange);
  rerouting.status = statusOf(page.status, answer);
  return begin(exchange, target, answer.headers);
}

function pageFor(
  { status }: LocalResponse,
  { location, server, rerouting }: Exchange,
): ErrorPage | null {
  const { errorPages } = location ?? server;
  if (errorPages === null || rerouting?.isErrorPage === true) return null;
  return status === CLIENT_CLOSED_REQUEST
    ? null
    : errorPages.get(status) ?? null;
}

/** Its own status then, whatever an error page was to have. */
function ownPage(answer: LocalResponse, { rerouting }: Exchange) {
  if (rerouting !== null) rerouting.status = 0;
  return answer;
}

function statusOf(
  wanted: "error" | "page" | number,
  { status }: LocalResponse,
): number {
  if (wanted === "error") return status;
  return wanted === "page" ? 0 : wanted;
}

/**
 * @param fields What the answer is to have in any case.
 * @param keepsMethod Whether it stays the client's request, its body included.
 */
function begin(
  exchange: Exchange,
  target: Target,
  fields: readonly Field[],
  keepsMethod = false,
): "again" | LocalResponse {
  const rerouting = exchange.rerouting ??= new Rerouting(exchange.method);
  if (rerouting.change() === "cycle") {
    return ownPage(
      new LocalResponse(
        500,
        "The config leads this request in circles.",
        "its index, try_files, error_page or X-Accel-Redirect leads back to itself",
      ),
      exchange,
    );
  }
  rerouting.isInternal = true;
  rerouting.isFinal = false;
  rerouting.fields = [...rerouting.fields, ...fields];
  // The server that has answered is released.
  exchange.content?.giveBack();
  exchange.content = null;
  exchange.responseBody = null;
  exchange.target = target;
  if (keepsMethod) return "again";
  if (exchange.method !== "HEAD") {
    exchange.method = exchange.requestMethod = "GET";
  }
  exchange.hasBody = false;
  exchange.bodyLength = null;
  exchange.websocket = false;
  return "again";
}

function notFound(advice: string): LocalResponse {
  return new LocalResponse(404, "There is nothing here.", advice);
}

/** A response with the status and the fields that an answer before it left. */
export function asRerouted(
  response: Response,
  { status, fields }: Rerouting,
  location: LocationPlan | null,
): Response {
  const changed = status === 0 || status === response.status
    ? response
    : withStatus(response, status);
  const { headers } = changed;
  // As in nginx, an upstream's own stand; a file or a text has those before.
  const isUpstreams = location?.content.kind === "proxy";
  for (const [name, value] of fields) {
    if (!SINGLE.has(name)) headers.append(name, value);
    else if (!isUpstreams || !headers.has(name)) headers.set(name, value);
  }
  return changed;
}

/** Fields of which there is one. */
const SINGLE: ReadonlySet<string> = new Set([
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-type",
  "expires",
  "location",
  "retry-after",
]);

function withStatus(response: Response, status: number): Response {
  const { headers } = response;
  // A status that has no body can't have this one's.
  if (NULL_BODY.has(status)) {
    response.body?.cancel();
    headers.delete("content-length");
    return new Response(null, { status, headers });
  }
  return new Response(response.body, { status, headers });
}
