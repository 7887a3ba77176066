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
import type { Metrics } from "../observe/metrics/metrics.ts";
import { BodyBroken } from "../transport/transport.ts";
import { admit } from "./admit.ts";
import { filter } from "./filters/filters.ts";
import { asRerouted, redirectInternally } from "./internal_redirect.ts";
import { headOf, recordingOf } from "./record.ts";
import { chooseServer, enterServer, route, type Routed } from "./route.ts";

/** What outlives a request: made once at start-up and passed down. */
export type ServerState = AccessState;

/** The handler of one listener. */
export function createHandler(
  listener: ListenerPlan,
  place: Place,
  state: ServerState,
): Deno.ServeHandler<Deno.Addr> {
  const { metrics, generation } = state;
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
    if (metrics !== null) {
      generation.requests++;
      if (metrics.recorder.begins(request)) {
        exchange.record = { request, sent: null, answered: null };
      }
    }
    const answer = handle(request, exchange, listener, state);
    const finish = (answer: Answer) => {
      const settled = settle(answer, request, exchange, state);
      return settled instanceof Promise
        ? settled.then((response) => respond(response, exchange, info, state))
        : respond(settled, exchange, info, state);
    };
    return answer instanceof Promise ? answer.then(finish) : finish(answer);
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
  return answerFrom(route(exchange, listener), request, exchange, state);
}

/** The access and content phases, for what was found. */
function answerFrom(
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

/** The response to send, perhaps an error page's or that of another internal redirect. */
function settle(
  answer: Answer,
  request: Request,
  exchange: Exchange,
  state: ServerState,
): Response | Promise<Response> {
  if (answer instanceof Response) return filtered(answer, exchange);
  if (answer instanceof LocalResponse && answer.status === 413) {
    const { advice } = answer;
    // As in nginx, the error log names the limit. (The config's own `return 413`
    // has none.)
    if (advice !== null) {
      state.access.notices.tell(
        `413 ${exchange.location?.key}`,
        () => `413 ${advice}`,
      );
    }
  }
  const next = redirectInternally(answer, exchange);
  if (next !== "again") {
    return filtered(respondLocally(next, exchange, state.dev), exchange);
  }
  const again = answerFrom(enterServer(exchange), request, exchange, state);
  return again instanceof Promise
    ? again.then((again) => settle(again, request, exchange, state))
    : settle(again, request, exchange, state);
}

/** The response with what its location does to it. */
function filtered(
  response: Response,
  exchange: Exchange,
): Response | Promise<Response> {
  if (response.status === 101) return response;
  const { rerouting, location, server } = exchange;
  const { filters } = location ?? server;
  if (rerouting === null) {
    return filters.length === 0
      ? response
      : filter(response, exchange, filters);
  }
  const rerouted = asRerouted(response, rerouting, location);
  return filter(rerouted, exchange, filters);
}

/** Respond; and when the response has been delivered, or can't be, log. */
function respond(
  response: Response,
  exchange: Exchange,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  state: ServerState,
): Response {
  const { metrics } = state;
  // An error page was asked for with GET, whatever the client sent.
  if (exchange.rerouting !== null) exchange.method = exchange.rerouting.method;
  const start = metrics === null ? 0 : responseStart(exchange);
  // A WebSocket logs for itself, and keeps what it has taken.
  if (response.status === 101) {
    if (metrics !== null) {
      const outcome = { response, start, duration: start, bytes: 0 };
      count(exchange, outcome, metrics, state);
      record(exchange, outcome, metrics);
    }
    return response;
  }
  const { strictTransportSecurity } = exchange.server;
  // RFC 6797 section 7.2: never over HTTP.
  if (strictTransportSecurity !== null && exchange.scheme === "https") {
    response.headers.set("strict-transport-security", strictTransportSecurity);
  }
  if (exchange.location?.settings.access_log !== false) {
    exchange.line = state.accessLog.begin(exchange, response);
  }
  const end = () => {
    exchange.end();
    const duration = performance.now() - exchange.started;
    const bytes = bytesSent(exchange, response);
    const outcome = { response, start, duration, bytes };
    if (metrics !== null) {
      count(exchange, outcome, metrics, state);
      record(exchange, outcome, metrics);
    }
    const { location } = exchange;
    if (location !== null) reportBroken(exchange, location, state);
    if (location?.settings.access_log !== false) log(exchange, outcome, state);
  };
  info.completed.then(end, end);
  return response;
}

/** How a request has ended. */
interface Outcome {
  readonly response: Response;
  /** Milliseconds to the head of its response; 0 where nobody counts. */
  readonly start: number;
  /** Milliseconds to its end. */
  readonly duration: number;
  /** Of its body. */
  readonly bytes: number;
}

/** Milliseconds to the head of a response. To ask for the time costs 0.1 µs. */
function responseStart({ attempts, started }: Exchange): number {
  const answered = attempts?.at(-1)?.answered ?? null;
  return (answered ?? performance.now()) - started;
}

/** Counts a request that has ended. */
function count(
  { location, server, method, requestBody }: Exchange,
  { response: { status }, start, duration, bytes: sent }: Outcome,
  metrics: Metrics,
  { generation }: ServerState,
): void {
  generation.requests--;
  const received = requestBody === null ? 0 : requestBody.size;
  metrics.of(location, server.name)
    .request({ method, status, received, sent, start, duration });
}

/** Keeps it for who looks. */
function record(exchange: Exchange, outcome: Outcome, metrics: Metrics): void {
  const { record } = exchange;
  if (record === null) return;
  const recording = recordingOf(exchange, record, outcome);
  metrics.recorder.add(recording, headOf(exchange), record.request);
}

/** A line for the access log. */
function log(
  context: Exchange,
  { response: { status }, duration, bytes }: Outcome,
  { accessLog }: ServerState,
): void {
  accessLog.request({ context, status, bytes, duration });
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
