/**
 * WebSockets to an upstream, opened without a client.
 *
 * @module
 */
import type { UpstreamAddress } from "../../lib/config/plan.ts";
import { Cancellation } from "../../lib/exchange/cancellation.ts";
import { Deadlines } from "../../lib/exchange/deadline.ts";
import type { Field } from "../../lib/exchange/fields.ts";
import { Http1Transport } from "../../lib/transport/http1/http1.ts";
import { NO_KEEP_ALIVE } from "../../lib/transport/http1/pool.ts";
import { openWebSocket } from "../../lib/websocket/open.ts";
import { WebSocketBridges } from "../../lib/websocket/registry.ts";
import type { WebSocketTimes } from "../../lib/websocket/upstream_socket.ts";

/** What is asked for; by default `/` on a port of 127.0.0.1. */
export interface Opening {
  address?: UpstreamAddress;
  secure?: boolean;
  target?: string;
  fields?: Field[];
  protocols?: string | null;
  cancellation?: Cancellation;
  /** Milliseconds for the response's head. */
  timeout?: number;
  /** Those that differ from the defaults. */
  times?: Partial<WebSocketTimes>;
}

/** Opens a WebSocket, as `openWebSocket` does. */
export async function open(port: number, opening: Opening = {}) {
  const name = `127.0.0.1:${port}`;
  const {
    address = { transport: "tcp", hostname: "127.0.0.1", port, name },
    secure = false,
    target = "/",
    fields = [["host", name]],
    protocols = null,
    cancellation = new Cancellation(),
    timeout = 5_000,
    times = {},
  } = opening;
  const deadlines = new Deadlines();
  try {
    return await openWebSocket(
      new Http1Transport(address, secure, NO_KEEP_ALIVE, deadlines),
      {
        method: "GET",
        target,
        fields,
        body: null,
        upgrade: null,
        timeouts: { connect: 5_000, head: timeout, body: 0 },
        cancellation,
      },
      { name: address.name, protocols, maxMessageSize: 0 },
      new WebSocketBridges(times),
      performance.now(),
    );
  } finally {
    deadlines.close();
  }
}
