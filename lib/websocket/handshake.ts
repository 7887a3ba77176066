/**
 * The exchange of a WebSocket: the upstream is opened first, and only when it
 * has agreed is the client upgraded.
 *
 * @module
 */
import { type AccessLog, loggedRequest } from "../observe/access_log.ts";
import type { Deadlines } from "../exchange/deadline.ts";
import type { PreparedRequest } from "../content/proxy/prepared.ts";
import {
  UpstreamError,
  type UpstreamFailure,
} from "../transport/upstream_error.ts";
import { WebSocketBridge } from "./bridge.ts";
import type { WebSocketBridges } from "./registry.ts";
import {
  type HandshakeResult,
  openUpstream,
  type UpstreamHandshake,
} from "./client.ts";
import { refusalResponse } from "./refusal.ts";
import type { UpstreamSocket } from "./upstream_socket.ts";

export { WebSocketBridges } from "./registry.ts";

export interface BridgeOptions {
  /**
   * Ends the handshake: the client left, or the upstream's time is up. Not
   * looked at any more once the client's WebSocket is open.
   */
  signal: AbortSignal;
  deadlines: Deadlines;
  log: AccessLog;
  /** Called once the signal is of no use any more: the client is open, or gone. */
  settled: () => void;
  /** Called once, when a WebSocket that was opened has ended. */
  ended: () => void;
}

/** 16 bytes in base64 (RFC 6455 section 4.1). */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Bridges a client that asks for a WebSocket to an upstream.
 *
 * @returns The 101 that upgrades the client; or the upstream's own answer, if it
 * refuses; or 400 or 426 for a handshake that is none.
 * @throws {UpstreamError} if the upstream gives no answer, or not to this.
 * @throws The signal's reason, once it has aborted.
 */
export async function bridgeWebSocket(
  request: Request,
  prepared: PreparedRequest,
  bridges: WebSocketBridges,
  { signal, deadlines, log, settled, ended }: BridgeOptions,
): Promise<Response> {
  const invalid = refuseHandshake(request.headers);
  if (invalid !== null) return invalid;
  const { location, address, target, headers, context } = prepared;
  const handshake = {
    address,
    secure: location.content.upstream.scheme === "https",
    target,
    headers,
    protocols: request.headers.get("sec-websocket-protocol"),
    maxMessageSize: location.settings.websocket_max_message_size,
  };
  const opened = await openInTime(handshake, prepared, bridges, {
    signal,
    deadlines,
  });
  if ("refusal" in opened) {
    return refusalResponse(opened.refusal, prepared);
  }
  const upstream = opened.socket;
  const { client, response } = upgrade(
    request,
    upstream,
    location.settings.websocket_ping,
  );
  const parts = { client, upstream, bridges, location, log, ended };
  new WebSocketBridge(
    { ...parts, context: loggedRequest(context) },
    { signal, settled },
  );
  return response;
}

/** A handshake has the time of a connection, and then that of a response head. */
async function openInTime(
  handshake: UpstreamHandshake,
  { location, address }: PreparedRequest,
  bridges: WebSocketBridges,
  { signal, deadlines }: Pick<BridgeOptions, "signal" | "deadlines">,
): Promise<HandshakeResult> {
  const abort = new AbortController();
  const giveUp = () => abort.abort(signal.reason);
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  const late = (failure: UpstreamFailure) => () =>
    abort.abort(new UpstreamError(failure, address.name));
  let deadline = deadlines.start(
    location.settings.proxy_connect_timeout,
    late("unconnected"),
  );
  const connected = () => {
    deadlines.stop(deadline);
    deadline = deadlines.start(
      location.settings.proxy_read_timeout.head,
      late("timeout"),
    );
  };
  try {
    return await openUpstream(handshake, bridges, abort.signal, connected);
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    deadlines.stop(deadline);
    signal.removeEventListener("abort", giveUp);
  }
}

/** RFC 6455 sections 4.2.1 and 4.4: what is wrong with the client's handshake. */
function refuseHandshake(headers: Headers): Response | null {
  const version = headers.get("sec-websocket-version");
  if (version !== null && version.trim() !== "13") {
    return new Response("This server speaks WebSocket version 13 only.\n", {
      status: 426,
      headers: {
        "sec-websocket-version": "13",
        "upgrade": "websocket",
        "connection": "upgrade",
      },
    });
  }
  const missing = version === null
    ? "Sec-WebSocket-Version"
    : KEY.test(headers.get("sec-websocket-key") ?? "")
    ? null
    : "Sec-WebSocket-Key";
  if (missing === null) return null;
  return new Response(`No WebSocket handshake without a valid ${missing}.\n`, {
    status: 400,
  });
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
