/**
 * The way of a request, top to bottom: admit, route, access, content, respond,
 * log.
 *
 * @module
 */
import { access, type AccessState } from "../access/access.ts";
import type { ListenerPlan, LocationPlan } from "../config/plan.ts";
import { content } from "../content/content.ts";
import { ClientClosedRequest } from "../exchange/errors.ts";
import { Exchange, type Place } from "../exchange/exchange.ts";
import { NULL_BODY } from "../exchange/headers.ts";
import { InternalRedirect } from "../exchange/internal_redirect.ts";
import { LocalResponse, respondLocally } from "../exchange/local_response.ts";
import { BodyBroken } from "../transport/transport.ts";
import { admit } from "./admit.ts";
import { redirectInternally } from "./internal_redirect.ts";
import { route } from "./route.ts";

/** What outlives a request: made once at start-up and passed down. */
export type ServerState = AccessState;

/** What a request is answered with. */
type Answer = Response | LocalResponse;

/** The handler of one listener. */
export function createHandler(
  listener: ListenerPlan,
  place: Place,
  state: ServerState,
): Deno.ServeHandler<Deno.Addr> {
  return (request, info) => {
    const peer = info.remoteAddr;
    const tcp = "hostname" in peer;
    const exchange = new Exchange(
      request,
      place,
      tcp ? peer.hostname : "unix:",
      tcp ? String(peer.port) : "",
      performance.now(),
    );
    const answer = handle(request, exchange, listener, state);
    return answer instanceof Promise
      ? answer.then((answer) => respond(answer, exchange, info, state))
      : respond(answer, exchange, info, state);
  };
}

/** The phases up to the content. */
function handle(
  request: Request,
  exchange: Exchange,
  listener: ListenerPlan,
  state: ServerState,
): Answer | Promise<Answer> {
  const refused = admit(exchange, listener);
  if (refused !== null) return refused;
  return answerFrom(0, request, exchange, listener, state);
}

/** @param redirects How many internal redirects have led here. */
function answerFrom(
  redirects: number,
  request: Request,
  exchange: Exchange,
  listener: ListenerPlan,
  state: ServerState,
): Answer | Promise<Answer> {
  const location = route(exchange, listener, redirects > 0);
  if (location instanceof LocalResponse) return location;
  const go = () => {
    const answer = content(request, exchange, location, state);
    if (!(answer instanceof InternalRedirect)) return answer;
    return redirectInternally(answer, redirects, exchange) ??
      answerFrom(redirects + 1, request, exchange, listener, state);
  };
  const denied = access(request, exchange, location, state);
  return denied instanceof Promise
    ? afterAccess(denied, go, exchange, location, state)
    : denied ?? go();
}

/** The content, once the access phase has its answer. */
async function afterAccess(
  waiting: Promise<LocalResponse | null>,
  go: () => Answer | Promise<Answer>,
  exchange: Exchange,
  location: LocationPlan,
  state: ServerState,
): Promise<Answer> {
  const { inFlight, errorLog } = state;
  // The content says so itself, but only from its beginning.
  const fragile = exchange.websocket || exchange.hasBody !== false;
  if (fragile) inFlight.enter();
  try {
    const denied = await waiting;
    // Not awaited: it has begun, and that is enough.
    return denied ?? go();
  } catch (error) {
    // A bug of ours must not let anybody in, nor end the process.
    errorLog(
      `500 ${location.key}: ${error instanceof Error ? error.stack : error}`,
    );
    return new LocalResponse(500, "The proxy failed on this request.");
  } finally {
    if (fragile) inFlight.leave();
  }
}

/** Respond; and when the response has been delivered, or can't be, log. */
function respond(
  answer: Answer,
  exchange: Exchange,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  state: ServerState,
): Response {
  const response = answer instanceof LocalResponse
    ? respondLocally(answer, exchange, state.dev)
    : answer;
  // A WebSocket logs for itself, and keeps what it has taken.
  if (response.status === 101) return response;
  const { strictTransportSecurity } = exchange.server;
  // RFC 6797 section 7.2: never over HTTP.
  if (strictTransportSecurity !== null && exchange.scheme === "https") {
    response.headers.set("strict-transport-security", strictTransportSecurity);
  }
  const end = () => {
    exchange.end();
    const { location } = exchange;
    if (location !== null) reportBroken(exchange, location, state);
    if (location?.settings.access_log !== false) {
      log(exchange, response, state);
    }
  };
  info.completed.then(end, end);
  return response;
}

/** A line for the access log. */
function log(exchange: Exchange, response: Response, state: ServerState): void {
  state.accessLog.request({
    context: exchange,
    status: response.status,
    bytes: bytesSent(exchange, response),
    duration: performance.now() - exchange.started,
  });
}

/**
 * Bytes of a response's body that were sent, as far as this process knows: those
 * that were handed to the platform.
 */
function bytesSent(
  { method, responseBody }: Exchange,
  { status, headers }: Response,
): number {
  if (method === "HEAD" || NULL_BODY.has(status)) return 0;
  if (responseBody !== null) return responseBody.size;
  // An answer of the proxy's own. Not by `body`: to look at it makes a stream of
  // what is sent whole.
  return Number(headers.get("content-length") ?? 0);
}

/** A response that broke off after its head looks whole in the access log. */
function reportBroken(
  { responseBody, upstreamAddr }: Exchange,
  { key, content }: LocationPlan,
  { errorLog }: ServerState,
): void {
  const failure = responseBody?.failure ?? null;
  if (failure === null || failure instanceof ClientClosedRequest) return;
  const upstream = content.kind === "proxy" ? content.upstream.name : "";
  const at = upstream === upstreamAddr ? "" : ` at ${upstreamAddr}`;
  const why = failure instanceof BodyBroken
    ? failure.message
    : "request_timeout is over";
  errorLog(
    `broken off ${key}: upstream "${upstream}"${at}: ${why}, after ` +
      `${responseBody?.size ?? 0} bytes of the response's body`,
  );
}
