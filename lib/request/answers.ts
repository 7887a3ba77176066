/**
 * What the proxy answers by itself.
 *
 * @module
 */
import { ClientClosedRequest, ClientError } from "../exchange/client_error.ts";
import {
  errorPage,
  upstreamAdvice,
  upstreamDetail,
} from "../exchange/error_page.ts";
import type { PreparedRequest } from "../content/proxy/prepared.ts";
import { UpstreamError } from "../transport/upstream_error.ts";
import type { ServerState } from "./handler.ts";
import type { Refusal } from "../access/limit_conn.ts";
import { type Admission, tooLarge } from "./prepare.ts";

/** nginx's status, in the log only, for a client that left before its answer. */
const CLIENT_CLOSED_REQUEST = 499;

/** Seconds after which who was refused for a limit may come again. */
const RETRY_AFTER = "1";

/** A refusal, or the redirect to a slash. */
export function ownAnswer(
  admission: Admission,
  request: Request,
  state: Pick<ServerState, "dev">,
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

/** There are as many requests or WebSockets as there may be. */
export function overLimit(
  status: Refusal,
  { prepared }: Admission & { kind: "proxy" },
  request: Request,
  state: Pick<ServerState, "dev">,
): Response {
  const directive = prepared.websocket ? "websocket_limit_conn" : "limit_conn";
  const things = prepared.websocket ? "WebSockets" : "requests in flight";
  const whose = status === 429 ? " from your address" : "";
  return errorPage({
    status,
    detail: `There are too many ${things}${whose}.`,
    requestId: prepared.context.requestId,
    headers: [["retry-after", RETRY_AFTER]],
    ...(state.dev ? { advice: `${directive} of config.yaml says so` } : {}),
  }, request);
}

/** The page for a request that could not be finished, and the line for its owner. */
export function failed(
  error: unknown,
  request: Request,
  prepared: PreparedRequest,
  state: Pick<ServerState, "dev" | "errorLog">,
): Response {
  const { requestId } = prepared.context;
  const { location } = prepared;
  if (error instanceof UpstreamError) {
    const advice = upstreamAdvice(error, location.content.upstream.name);
    state.errorLog(`${error.status} ${location.key}: ${advice}`);
    return errorPage({
      status: error.status,
      detail: upstreamDetail(error),
      requestId,
      ...(error.status === 503
        ? { headers: [["retry-after", RETRY_AFTER]] }
        : {}),
      ...(state.dev ? { advice } : {}),
    }, request);
  }
  if (error instanceof ClientError) {
    const { status } = error;
    const detail = status === 413
      ? sentence(tooLarge(location))
      : "The body of the request did not arrive in time.";
    // What is left of the body must not be taken for the next request.
    const headers: [string, string][] = [["connection", "close"]];
    return errorPage({ status, detail, requestId, headers }, request);
  }
  if (error instanceof ClientClosedRequest) {
    // Nobody reads it; the status is for the log.
    return new Response(null, {
      status: CLIENT_CLOSED_REQUEST,
      headers: { "content-length": "0" },
    });
  }
  // A bug of ours must not end the process, nor tell strangers about itself.
  state.errorLog(`500 ${location.key}: ${describe(error)}`);
  const detail = "The proxy failed on this request.";
  return errorPage({ status: 500, detail, requestId }, request);
}

function sentence(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1) + ".";
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
