/**
 * A WebSocket server that the `centrifuge` client takes for Centrifugo, with
 * the one call of its HTTP API that a backend needs to publish.
 *
 * @module
 */
import { Connection } from "./centrifugo/connection.ts";
import { Hub } from "./centrifugo/hub.ts";
import { DISCONNECT } from "./centrifugo/protocol.ts";
import { listen, type Running } from "./listener.ts";
import { isSameOrigin } from "./origin.ts";

/** How the server is started. */
export interface CentrifugoOptions {
  /** The secret that connection tokens are signed with (HS256). */
  tokenSecret: string;
  /** What the HTTP API wants in `X-API-Key`. */
  apiKey: string;
  /** Between two pings, in whole seconds. 25 unless given, as Centrifugo. */
  pingInterval?: number;
  /** The longest wait for a pong, in milliseconds. 8,000 unless given. */
  pongTimeout?: number;
  /** 0..65535; a free one unless given. */
  port?: number;
}

/** The longest wait for clients at the end, in milliseconds. */
const CLOSE_PATIENCE = 1_000;

/** Starts the WebSocket server. Stopping it closes its connections with 3001. */
export function startCentrifugo(options: CentrifugoOptions): Running {
  const hub = new Hub();
  const open = new Map<WebSocket, Connection>();
  let stopping = false;
  const server = listen((request) => {
    switch (new URL(request.url).pathname) {
      case "/connection/websocket":
        if (stopping) return new Response(null, { status: 503 });
        return upgrade(request, (socket) => {
          const connection = new Connection(socket, {
            hub,
            tokenSecret: options.tokenSecret,
            pingInterval: options.pingInterval ?? 25,
            pongTimeout: options.pongTimeout ?? 8_000,
          });
          open.set(socket, connection);
          socket.addEventListener("close", () => open.delete(socket));
        });
      case "/api/publish":
        return publish(request, hub, options.apiKey);
      case "/health":
        return Response.json({});
      default:
        return new Response("404 page not found\n", { status: 404 });
    }
  }, options.port);
  return {
    address: server.address,
    async stop() {
      stopping = true;
      const closed = [...open].map(([socket, connection]) =>
        new Promise((resolve) => {
          socket.addEventListener("close", resolve);
          connection.close(DISCONNECT.shutdown);
        })
      );
      // Not forever: a client that has vanished does not answer the close.
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, CLOSE_PATIENCE);
      });
      await Promise.race([Promise.all(closed), late]);
      clearTimeout(timer);
      await server.stop();
    },
  };
}

/** Answers the WebSocket handshake, unless a foreign page has made it. */
function upgrade(
  request: Request,
  opened: (socket: WebSocket) => void,
): Response {
  const { headers } = request;
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("Bad Request\n", { status: 400 });
  }
  const origin = headers.get("origin");
  // Centrifugo's own rule; programs that are no browser send no Origin.
  if (origin !== null && !isSameOrigin(origin, [headers.get("host")])) {
    console.error(
      `demo/centrifugo: the origin ${origin} is not that of the host ` +
        `${headers.get("host")}: 403`,
    );
    return new Response("Forbidden\n", { status: 403 });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  opened(socket);
  return response;
}

/** `POST /api/publish {"channel": …, "data": …}` */
async function publish(
  request: Request,
  hub: Hub,
  apiKey: string,
): Promise<Response> {
  if (request.method !== "POST") {
    return new Response("Method Not Allowed\n", {
      status: 405,
      headers: { allow: "POST" },
    });
  }
  if (request.headers.get("x-api-key") !== apiKey) {
    return new Response("Unauthorized\n", { status: 401 });
  }
  const body: unknown = await request.json().catch(() => null);
  if (
    typeof body !== "object" || body === null || !("channel" in body) ||
    typeof body.channel !== "string" || body.channel === "" ||
    !("data" in body)
  ) {
    // As Centrifugo: the API's own errors come with status 200.
    return Response.json({ error: { code: 107, message: "bad request" } });
  }
  hub.publish(body.channel, { data: body.data });
  return Response.json({ result: {} });
}
