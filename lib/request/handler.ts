/**
 * The way of a request, top to bottom: admit, route (with rewrite), access,
 * content, respond (with filters), log.
 *
 * @module
 */
import { access, type AccessState } from "../access/access.ts";
import type { ListenerPlan, LocationPlan } from "../config/plan.ts";
import { type Answer, content } from "../content/content.ts";
import { ClientClosedRequest } from "../exchange/errors.ts";
import { Exchange, type Place } from "../exchange/exchange.ts";
import { NULL_BODY } from "../exchange/headers.ts";
import { LocalResponse, respondLocally } from "../exchange/local_response.ts";
import { loggedRequest } from "../observe/access_log.ts";
import { BodyBroken } from "../transport/transport.ts";
import { admit } from "./admit.ts";
import { filter } from "./filters/filters.ts";
import { asRerouted, redirectInternally } from "./internal_redirect.ts";
import { chooseServer, enterServer, route, type Routed } from "./route.ts";

/** What outlives a request: made once at start-up and passed down. */
export type ServerState = AccessState;

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
    const settled = answer instanceof Promise
      ? answer.then((answer) => settle(answer, request, exchange, state))
      : settle(answer, request, exchange, state);
    return settled instanceof Promise
      ? settled.then((response) => respond(response, exchange, info, state))
      : respond(settled, exchange, info, state);
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
  if (refused !== null) {
    // Its error pages and headers are those of the server.
    chooseServer(exchange, listener);
    return refused;
  }
  return answer(route(exchange, listener), request, exchange, state);
}

/** The access and content phases, for what was found. */
function answer(
  routed: Routed,
  request: Request,
  exchange: Exchange,
  state: ServerState,
): Answer | Promise<Answer> {
  if (routed instanceof LocalResponse) return routed;
  const denied = access(request, exchange, routed, state);
  return denied instanceof Promise
    ? afterAccess(denied, request, exchange, routed, state)
    : denied ?? content(request, exchange, routed, state);
}

/** The content, once the access phase has its answer. */
async function afterAccess(
  waiting: Promise<LocalResponse | null>,
  request: Request,
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
    return denied ?? content(request, exchange, location, state);
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

/** The response, perhaps an error page's or that of another internal redirect. */
function settle(
  answered: Answer,
  request: Request,
  exchange: Exchange,
  state: ServerState,
): Response | Promise<Response> {
  if (answered instanceof Response) return answered;
  const next = redirectInternally(answered, exchange);
  if (next !== "again") return respondLocally(next, exchange, state.dev);
  const again = answer(enterServer(exchange), request, exchange, state);
  return again instanceof Promise
    ? again.then((again) => settle(again, request, exchange, state))
    : settle(again, request, exchange, state);
}

/** Respond; and when the response has been delivered, or can't be, log. */
function respond(
  response: Response,
  exchange: Exchange,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  state: ServerState,
): Response | Promise<Response> {
  // A WebSocket logs for itself, and keeps what it has taken.
  if (response.status === 101) return response;
  let sent = response;
  const end = () => {
    exchange.end();
    const { location } = exchange;
    if (location !== null) reportBroken(exchange, location, state);
    if (location?.settings.access_log !== false) log(exchange, sent, state);
  };
  info.completed.then(end, end);
  const { rerouting, location, server } = exchange;
  if (rerouting !== null) sent = asRerouted(sent, rerouting, location);
  const { filters } = location ?? server;
  if (filters.length === 0) return sent;
  const filtered = filter(sent, exchange, filters);
  if (!(filtered instanceof Promise)) return sent = filtered;
  return filtered.then((filtered) => sent = filtered);
}

/** A line for the access log. */
function log(exchange: Exchange, response: Response, state: ServerState): void {
  const { rerouting } = exchange;
  state.accessLog.request({
    // An error page is asked for with GET, whatever the client sent.
    context: rerouting === null
      ? exchange
      : { ...loggedRequest(exchange), method: rerouting.method },
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
