/**
 * The way of a request, top to bottom: admit, match, pick, exchange, finish.
 *
 * @module
 */
import type { ListenerPlan } from "../config/plan.ts";
import type { ProxyLocation } from "../content/proxy/prepared.ts";
import type { AccessLog } from "../observe/access_log.ts";
import type { Deadlines } from "../exchange/deadline.ts";
import { NULL_BODY } from "../transport/fetch.ts";
import type { Reachability } from "../transport/reachability.ts";
import type { WebSocketBridges } from "../websocket/handshake.ts";
import type { Client } from "../upstream/balance/balancer.ts";
import type {
  NoServer,
  UpstreamGroup,
  UpstreamServer,
} from "../upstream/group.ts";
import type { UpstreamGroups } from "../upstream/groups.ts";
import { ownAnswer } from "./answers.ts";
import type { Context } from "../exchange/exchange.ts";
import { proxyRequest } from "../content/proxy/proxy.ts";
import type { Limits } from "../access/limit_conn.ts";
import { type Admission, type Connection, prepareRequest } from "./prepare.ts";

/** What outlives a request: made once at start-up and passed down. */
export interface ServerState {
  readonly groups: UpstreamGroups;
  readonly bridges: WebSocketBridges;
  readonly deadlines: Deadlines;
  readonly reachability: Reachability;
  readonly limits: Limits;
  readonly accessLog: AccessLog;
  /** One line for whoever runs the proxy. */
  readonly errorLog: (line: string) => void;
  /** Whether error pages tell what is wrong. */
  readonly dev: boolean;
}

/** The server for a request, and what others would be picked by. */
export interface Picked {
  readonly group: UpstreamGroup;
  readonly client: Client;
  readonly server: UpstreamServer | NoServer;
}

/** The facts that every connection of a listener shares. */
type Place = Pick<Connection, "urlScheme" | "fallbackHost" | "serverPort">;

/** The handler of one listener. */
export function createHandler(
  listener: ListenerPlan,
  place: Place,
  state: ServerState,
): Deno.ServeHandler<Deno.Addr> {
  return async (request, info) => {
    const started = performance.now();
    let picked: Picked | undefined;
    const admission = prepareRequest(
      listener,
      request,
      connectionOf(place, info.remoteAddr),
      (location, context) => {
        picked = pick(location, context, state, started);
        const { server } = picked;
        return typeof server === "string"
          ? {
            transport: "unix",
            path: "",
            name: location.content.upstream.name,
          }
          : server.address;
      },
    );
    const response = admission.kind === "answer" || picked === undefined
      ? ownAnswer(admission, request, state)
      : await proxyRequest(
        request,
        admission,
        picked,
        info,
        state,
        started,
      );
    if (response.status !== 101) {
      logWhenDelivered(request, response, admission, started, info, state);
    }
    return response;
  };
}

function pick(
  { content: { upstream } }: ProxyLocation,
  context: Context,
  state: ServerState,
  now: number,
): Picked {
  const group = state.groups.get(upstream);
  const { balance, sticky } = upstream;
  const client: Client = {
    remoteAddr: context.remoteAddr,
    key: balance.kind === "hash" ? balance.key(context) : "",
    cookie: sticky === null ? null : group.cookieIn(context.headers),
  };
  return { group, client, server: group.pick(client, null, now) };
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
  if (location?.settings.access_log === false) return;
  const { status } = response;
  // Not by `body`: to look at it makes a stream of what is sent whole.
  const length = request.method === "HEAD" || NULL_BODY.has(status)
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

function connectionOf(
  { urlScheme, fallbackHost, serverPort }: Place,
  peer: Deno.Addr,
): Connection {
  const tcp = "hostname" in peer;
  return {
    urlScheme,
    fallbackHost,
    serverPort,
    remoteAddr: tcp ? peer.hostname : "unix:",
    remotePort: tcp ? String(peer.port) : "",
  };
}
