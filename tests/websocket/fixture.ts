/**
 * A bridge under test: a server whose handler gives every request to
 * `bridgeWebSocket`, with a prepared request made by hand.
 *
 * @module
 */
import type {
  LocationPlan,
  ProxyPlan,
  Settings,
  UpstreamAddress,
} from "../../lib/config/plan.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { clientResponse } from "../../lib/content/proxy/response.ts";
import { Cancellation } from "../../lib/exchange/cancellation.ts";
import { Deadlines } from "../../lib/exchange/deadline.ts";
import { Exchange } from "../../lib/exchange/exchange.ts";
import type { Field } from "../../lib/exchange/fields.ts";
import { respondLocally } from "../../lib/exchange/local_response.ts";
import type {
  AccessLog,
  WebSocketEntry,
} from "../../lib/observe/access_log.ts";
import { findLocation } from "../../lib/route/location.ts";
import { parseTarget } from "../../lib/route/path.ts";
import type { MemoryWatch } from "../../lib/websocket/memory_watch.ts";
import { findServer } from "../../lib/route/server.ts";
import { UpstreamError } from "../../lib/transport/errors.ts";
import {
  bridgeClient,
  refuseHandshake,
} from "../../lib/websocket/handshake.ts";
import { Http1Transport } from "../../lib/transport/http1/http1.ts";
import { NO_KEEP_ALIVE } from "../../lib/transport/http1/pool.ts";
import { openWebSocket } from "../../lib/websocket/open.ts";
import {
  type OpenBridge,
  WebSocketBridges,
} from "../../lib/websocket/registry.ts";
import type { WebSocketTimes } from "../../lib/websocket/upstream_socket.ts";

export interface BridgeSettings {
  /** Those that differ from the defaults. */
  times?: Partial<WebSocketTimes>;
  watch?: MemoryWatch;
  /** Of the location; no ping by default. */
  websocketPing?: number;
  /** 64 MiB by default. */
  websocketBufferSize?: number;
  /** Milliseconds that the handshake may take. */
  timeout?: number;
  scheme?: "http" | "https";
  target?: string;
  headers?: Field[];
  /** What else the location says. */
  location?: Partial<Settings>;
  /** Where the upstream is, if not on a port of 127.0.0.1. */
  address?: UpstreamAddress;
  /** Called as the log is told of an opening, and of an end. */
  onLog?: (event: "opened" | "closed") => void;
  /** Called as a bridge gives back what it holds. */
  onEnded?: () => void;
}

export interface TestBridge extends AsyncDisposable {
  readonly port: number;
  /** `ws://127.0.0.1:PORT/` */
  readonly url: string;
  readonly bridges: WebSocketBridges;
  /** WebSockets that the log was told opened. */
  readonly opened: number;
  /** What the log was told of those that closed. */
  readonly closed: WebSocketEntry[];
  /** Bridges that were made, those that have ended included. */
  readonly made: OpenBridge[];
  /** How many gave back what they hold. */
  readonly ended: number;
  /** What opening or bridging threw. */
  readonly errors: unknown[];
  /** Resolves when the log has been told of so many closed ones, and all is released. */
  untilClosed(count: number): Promise<void>;
  /** Resolves when so many calls have thrown. */
  untilErrors(count: number): Promise<void>;
}

/** Starts a bridge to an upstream on a port of 127.0.0.1. */
export function startBridge(
  upstreamPort: number,
  settings: BridgeSettings = {},
): TestBridge {
  const bridges = new WebSocketBridges(settings.times, settings.watch);
  const closed: WebSocketEntry[] = [];
  const errors: unknown[] = [];
  let opened = 0;
  const made: OpenBridge[] = [];
  let ended = 0;
  const add = bridges.add.bind(bridges);
  bridges.add = (bridge) => {
    made.push(bridge);
    add(bridge);
  };
  const news = new EventTarget();
  const tell = () => news.dispatchEvent(new Event("news"));
  const log: AccessLog = {
    needsAttempts: false,
    begin: () => null,
    request() {},
    webSocketOpened: () => {
      opened++;
      settings.onLog?.("opened");
    },
    webSocketClosed: (entry) => {
      closed.push(entry);
      tell();
      settings.onLog?.("closed");
    },
    flush: () => Promise.resolve(),
  };
  const until = async (reached: () => boolean) => {
    while (!reached()) {
      await new Promise((resolve) =>
        news.addEventListener("news", resolve, { once: true })
      );
    }
  };
  const deadlines = new Deadlines();
  const kill = new AbortController();
  const handling = new Set<Promise<Response>>();
  const handle = async (request: Request) => {
    const { exchange, location, plan, address } = prepare(
      request,
      upstreamPort,
      settings,
    );
    const refused = refuseHandshake(exchange.fields);
    if (refused !== null) return respondLocally(refused, exchange, false);
    const cancellation = new Cancellation();
    request.signal.addEventListener(
      "abort",
      () => cancellation.cancel(new Error("client left")),
    );
    const timer = setTimeout(
      () => cancellation.cancel(new UpstreamError("timeout", address.name)),
      settings.timeout ?? 5_000,
    );
    try {
      const answer = await openWebSocket(
        new Http1Transport(
          address,
          settings.scheme === "https",
          NO_KEEP_ALIVE,
          deadlines,
        ),
        {
          method: "GET",
          target: settings.target ?? exchange.requestUri,
          fields: settings.headers ?? [["host", address.name]],
          body: null,
          upgrade: null,
          timeouts: { connect: 5_000, head: 60_000, body: 0 },
          cancellation,
        },
        {
          name: address.name,
          protocols: exchange.fields.webSocketProtocol,
          maxMessageSize: location.settings.websocket_max_message_size,
        },
        bridges,
        performance.now(),
      );
      if (!("socket" in answer)) {
        return clientResponse(answer, { exchange, location, plan }, null);
      }
      return bridgeClient(request, exchange, answer, [], {
        bridges,
        accessLog: log,
        location,
        counters: null,
        held: {
          giveBack() {
            ended++;
            settings.onEnded?.();
          },
        },
        settled() {},
      });
    } catch (error) {
      errors.push(error);
      tell();
      return error instanceof UpstreamError
        ? new Response(error.failure, { status: error.status })
        : new Response(String(error), { status: 500 });
    } finally {
      clearTimeout(timer);
    }
  };
  const server = Deno.serve({
    signal: kill.signal,
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
  }, (request) => {
    const handled = handle(request);
    handling.add(handled);
    return handled.finally(() => handling.delete(handled));
  });
  const { port } = server.addr;
  return {
    port,
    url: `ws://127.0.0.1:${port}/`,
    bridges,
    closed,
    errors,
    made,
    get opened() {
      return opened;
    },
    get ended() {
      return ended;
    },
    async untilClosed(count) {
      await until(() => closed.length >= count);
      await bridges.empty();
    },
    untilErrors: (count) => until(() => errors.length >= count),
    async [Symbol.asyncDispose]() {
      bridges.abort();
      await bridges.empty();
      // Not shutdown(), which in Deno 2.9.6 waits for ever for a client that
      // left in the middle of its upgrade.
      kill.abort();
      deadlines.close();
      await server.finished;
      // It does not wait for requests whose client has left.
      await Promise.all(handling);
    },
  };
}

function prepare(request: Request, port: number, settings: BridgeSettings) {
  const name = `127.0.0.1:${port}`;
  const address: UpstreamAddress = settings.address ??
    { transport: "tcp", hostname: "127.0.0.1", port, name };
  const { pathname, search, host } = new URL(request.url);
  const headers = new Headers(request.headers);
  headers.set("x-request-id", "test-request");
  const { url, method } = request;
  const place = {
    urlScheme: "http://",
    scheme: "http",
    fallbackHost: "",
    serverPort: "1",
  } as const;
  const exchange = new Exchange(
    { url, method, headers },
    place,
    "127.0.0.1",
    "1",
    performance.now(),
  );
  exchange.requestUri = pathname + search;
  exchange.target = parseTarget(exchange.requestUri) ?? exchange.target;
  exchange.authority = host;
  exchange.proxyHost = exchange.upstreamAddr = name;
  exchange.websocket = true;
  const { location, plan } = locationTo(name);
  return {
    exchange,
    address,
    plan,
    location: {
      ...location,
      settings: {
        ...location.settings,
        websocket_ping: settings.websocketPing ?? 0,
        websocket_buffer_size: settings.websocketBufferSize ??
          64 * 1024 * 1024,
        ...settings.location,
      },
    },
  };
}

/** What a location is that says nothing but where it goes. */
function locationTo(
  name: string,
): { location: LocationPlan; plan: ProxyPlan } {
  const config = { locations: { "/": `http://${name}` } };
  const { listeners } = planFromObject(config, {
    source: "test",
    env: () => undefined,
  });
  const match = findLocation(
    findServer(listeners[0]!.servers, null).locations,
    "/",
  );
  const { location } = match!;
  if (location.content.kind !== "proxy") throw new Error("no proxy_pass");
  return { location, plan: location.content };
}
