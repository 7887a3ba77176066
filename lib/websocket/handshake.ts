/**
 * A client's handshake: whether it is valid, and the 101 that answers it.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";
import { ClientClosedRequest } from "../exchange/errors.ts";
import type { Exchange, Held } from "../exchange/exchange.ts";
import type { Field, RequestFields } from "../exchange/fields.ts";
import { hasToken } from "../exchange/headers.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { type AccessLog, loggedRequest } from "../observe/access_log.ts";
import { WebSocketBridge } from "./bridge.ts";
import type { BridgeCounters } from "./counters.ts";
import type { UpgradedResponse } from "./open.ts";
import type { WebSocketBridges } from "./registry.ts";
import type { UpstreamSocket } from "./upstream_socket.ts";

/** 16 bytes in base64 (RFC 6455 section 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** Whether a request asks for a WebSocket (RFC 6455 section 4.1). */
export function asksForWebSocket(
  method: string,
  { upgrade, connection }: RequestFields,
): boolean {
  return upgrade !== null && method === "GET" &&
    hasToken(upgrade, "websocket") && hasToken(connection, "upgrade");
}

/**
 * What is wrong with a handshake (RFC 6455 sections 4.2.1 and 4.4); null where
 * it is valid.
 */
export function refuseHandshake(
  { webSocketKey, webSocketVersion }: RequestFields,
): LocalResponse | null {
  if (webSocketVersion !== null && webSocketVersion.trim() !== "13") {
    return new LocalResponse(
      426,
      "This server speaks WebSocket version 13 only.",
      null,
      [
        ["sec-websocket-version", "13"],
        ["upgrade", "websocket"],
        ["connection", "upgrade"],
      ],
    );
  }
  const missing = webSocketVersion === null
    ? "Sec-WebSocket-Version"
    : KEY.test(webSocketKey ?? "")
    ? null
    : "Sec-WebSocket-Key";
  if (missing === null) return null;
  return new LocalResponse(
    400,
    `The WebSocket handshake has no valid ${missing}.`,
  );
}

/** What a bridge is made with. */
export interface BridgeParts {
  readonly bridges: WebSocketBridges;
  readonly accessLog: AccessLog;
  readonly location: LocationPlan;
  /** Null where nothing is counted. */
  readonly counters: BridgeCounters | null;
  /** What is given back when the WebSocket has ended. */
  readonly held: Held;
  /** Called once the client's leaving is told by the WebSocket itself. */
  readonly settled: () => void;
}

/**
 * Upgrades the client and joins it with the upstream.
 *
 * @param fields What the 101 has beside those of the handshake.
 * @throws {ClientClosedRequest} where the client has left meanwhile.
 */
export function bridgeClient(
  request: Request,
  exchange: Exchange,
  { socket }: UpgradedResponse,
  fields: readonly Field[],
  { bridges, accessLog, location, counters, held, settled }: BridgeParts,
): Response {
  const { signal } = request;
  if (signal.aborted) {
    socket.abort();
    throw new ClientClosedRequest();
  }
  const { client, response } = upgrade(
    request,
    socket,
    location.settings.websocket_ping,
  );
  for (const [name, value] of fields) response.headers.append(name, value);
  try {
    new WebSocketBridge(
      {
        client,
        upstream: socket,
        bridges,
        location,
        log: accessLog,
        counters,
        ended: () => held.giveBack(),
        context: loggedRequest(exchange, accessLog.begin(exchange, response)),
      },
      { signal, settled },
    );
  } catch (error) {
    socket.abort();
    throw error;
  }
  return response;
}

/**
 * @param ping Milliseconds of a client's silence after which it is pinged, and
 * again after which it is closed; 0 for never.
 */
function upgrade(request: Request, upstream: UpstreamSocket, ping: number) {
  try {
    // Deno pings after half of its idle timeout.
    const { socket, response } = Deno.upgradeWebSocket(request, {
      idleTimeout: 2 * ping / 1000,
    });
    // Set here since Deno 2.9.6 finds it among the offered ones only where they
    // are separated by exactly a comma and a space.
    if (upstream.protocol !== "") {
      response.headers.set("sec-websocket-protocol", upstream.protocol);
    }
    return { client: socket, response };
  } catch (error) {
    upstream.abort();
    throw error;
  }
}
