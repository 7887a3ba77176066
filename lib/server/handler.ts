/**
 * The way of a request, top to bottom: admit, match, pick, exchange, finish.
 *
 * @module
 */
import type { ListenerPlan, UpstreamPlan } from "../config/plan.ts";
import type { AccessLog } from "../observe/access_log.ts";
import { BodyTooLarge } from "../proxy/body_limit.ts";
import type { Deadlines } from "../proxy/deadline.ts";
import {
  errorPage,
  upstreamAdvice,
  upstreamDetail,
} from "../proxy/error_page.ts";
import { ClientClosedRequest, exchange } from "../proxy/http.ts";
import type { PreparedRequest } from "../proxy/prepared.ts";
import { UpstreamError } from "../proxy/upstream_error.ts";
import { bridgeWebSocket, type WebSocketBridges } from "../proxy/websocket.ts";
import type { UpstreamServer } from "../upstream/group.ts";
import type { UpstreamGroups } from "../upstream/groups.ts";
import {
  type Admission,
  type Connection,
  prepareRequest,
  tooLarge,
} from "./prepare.ts";

/** What outlives a request: made once at start-up and passed down. */
export interface ServerState {
  readonly groups: UpstreamGroups;
  readonly bridges: WebSocketBridges;
  readonly deadlines: Deadlines;
  readonly accessLog: AccessLog;
  /** One line for whoever runs the proxy. */
  readonly errorLog: (line: string) => void;
  /** Whether error pages tell what is wrong. */
  readonly dev: boolean;
}

/** nginx's status, in the log only, for a client that left before its answer. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * The handler of one listener.
 *
 * @param place The facts that every connection of this listener shares.
 */
export function createHandler(
  listener: ListenerPlan,
  place: Pick<Connection, "urlScheme" | "fallbackHost" | "serverPort">,
  state: ServerState,
): Deno.ServeHandler<Deno.Addr> {
  return async (request, info) => {
    const started = performance.now();
    let server: UpstreamServer | undefined;
    const admission = prepareRequest(
      listener,
      request,
      { ...place, ...remote(info.remoteAddr) },
      (upstream) => (server = pick(upstream, state)).address,
    );
    const response = admission.kind === "answer" || server === undefined
      ? ownAnswer(admission, request, state)
      : await proxy(request, admission, server, state);
    if (response.status !== 101) {
      logWhenDelivered(request, response, admission, started, info, state);
    }
    return response;
  };
}

/** Exchange: with the upstream that was picked, or the page that says why not. */
async function proxy(
  request: Request,
  admission: Admission & { kind: "proxy" },
  server: UpstreamServer,
  state: ServerState,
): Promise<Response> {
  const { prepared, hasBody } = admission;
  try {
    return prepared.websocket
      ? await bridge(request, prepared, state)
      : await exchange(request, prepared, hasBody, server, state.deadlines);
  } catch (error) {
    return failed(error, request, prepared, state);
  }
}

/** A WebSocket's handshake has the time a response head has. */
async function bridge(
  request: Request,
  prepared: PreparedRequest,
  state: ServerState,
): Promise<Response> {
  const abort = new AbortController();
  const clientLeft = () => abort.abort(new ClientClosedRequest());
  request.signal.addEventListener("abort", clientLeft, { once: true });
  const { proxyReadTimeout } = prepared.location;
  const deadline = state.deadlines.start(
    proxyReadTimeout,
    () => abort.abort(new UpstreamError("timeout", prepared.address.name)),
  );
  try {
    return await bridgeWebSocket(request, prepared, state.bridges, {
      signal: abort.signal,
      log: state.accessLog,
    });
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    state.deadlines.stop(deadline);
  }
}

function pick(upstream: UpstreamPlan, state: ServerState): UpstreamServer {
  return state.groups.get(upstream).pick();
}

/** What the proxy says by itself: a refusal, or the redirect to a slash. */
function ownAnswer(
  admission: Admission,
  request: Request,
  state: ServerState,
): Response {
  if (admission.kind !== "answer") throw new Error("nothing was picked");
  const { status, reason, location, context } = admission;
  const headers: [string, string][] = location === undefined
    ? []
    : [["location", location]];
  if (status === 405) headers.push(["allow", "*"]);
  return errorPage({
    status,
    detail: sentence(reason),
    requestId: context.requestId,
    headers,
    ...(state.dev && status === 404
      ? { advice: noLocation(context.path) }
      : {}),
  }, request);
}

function noLocation(path: string): string {
  return `no location of config.yaml takes ${path}: add one, for example "/"`;
}

/** The page for a request that could not be finished, and the line for its owner. */
function failed(
  error: unknown,
  request: Request,
  prepared: PreparedRequest,
  state: ServerState,
): Response {
  const { requestId } = prepared.context;
  if (error instanceof UpstreamError) {
    const advice = upstreamAdvice(error, prepared.location.upstream.name);
    state.errorLog(`${error.status} ${prepared.location.key}: ${advice}`);
    return errorPage({
      status: error.status,
      detail: upstreamDetail(error),
      requestId,
      ...(state.dev ? { advice } : {}),
    }, request);
  }
  if (error instanceof BodyTooLarge) {
    const detail = sentence(tooLarge(prepared.location));
    return errorPage({ status: 413, detail, requestId }, request);
  }
  if (error instanceof ClientClosedRequest) {
    // Nobody reads it; the status is for the log.
    return new Response(null, { status: CLIENT_CLOSED_REQUEST });
  }
  // A bug of ours must not end the process, nor tell strangers about itself.
  state.errorLog(`500 ${prepared.location.key}: ${describe(error)}`);
  const detail = "The proxy failed on this request.";
  return errorPage({ status: 500, detail, requestId }, request);
}

/** Finish: one line when the response has been delivered, or could not be. */
function logWhenDelivered(
  request: Request,
  response: Response,
  admission: Admission,
  started: number,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  state: ServerState,
): void {
  const { context, location } = admission.kind === "proxy"
    ? admission.prepared
    : { context: admission.context, location: null };
  if (location?.accessLog === false) return;
  const { status } = response;
  const length = response.body === null || request.method === "HEAD"
    ? 0
    : lengthOf(response.headers.get("content-length"));
  const log = (bytes: number | null) =>
    state.accessLog.request({
      context,
      status,
      bytes,
      duration: performance.now() - started,
    });
  info.completed.then(() => log(length), () => log(null));
}

function lengthOf(contentLength: string | null): number | null {
  return contentLength === null ? null : Number(contentLength);
}

function remote(
  address: Deno.Addr,
): Pick<Connection, "remoteAddr" | "remotePort"> {
  return "hostname" in address
    ? { remoteAddr: address.hostname, remotePort: String(address.port) }
    : { remoteAddr: "unix:", remotePort: "" };
}

function sentence(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1) + ".";
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
