/**
 * A bridge under test: a server whose handler gives every request to
 * `bridgeWebSocket`, with a prepared request made by hand.
 *
 * @module
 */
import type { LocationPlan, UpstreamAddress } from "../../lib/config/plan.ts";
import type { RequestContext } from "../../lib/config/template.ts";
import type {
  AccessLog,
  WebSocketEntry,
} from "../../lib/observe/access_log.ts";
import type { PreparedRequest } from "../../lib/content/proxy/prepared.ts";
import { UpstreamError } from "../../lib/transport/upstream_error.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { Deadlines } from "../../lib/exchange/deadline.ts";
import type { MemoryWatch } from "../../lib/websocket/memory_watch.ts";
import { findServer } from "../../lib/route/server.ts";
import { compileLocations, findLocation } from "../../lib/route/location.ts";
import {
  bridgeWebSocket,
  WebSocketBridges,
} from "../../lib/websocket/handshake.ts";
import type { OpenBridge } from "../../lib/websocket/registry.ts";
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
  headers?: [string, string][];
  /** What else the location says. */
  location?: Partial<LocationPlan>;
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
  /** What `bridgeWebSocket` threw. */
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
  const server = Deno.serve({
    signal: kill.signal,
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
  }, async (request) => {
    const prepared = prepare(request, upstreamPort, settings);
    const abort = new AbortController();
    request.signal.addEventListener(
      "abort",
      () => abort.abort(new Error("client left")),
    );
    const timer = setTimeout(
      () => abort.abort(new UpstreamError("timeout", prepared.address.name)),
      settings.timeout ?? 5_000,
    );
    try {
      const options = {
        signal: abort.signal,
        log,
        deadlines,
        settled() {},
        ended() {
          ended++;
          settings.onEnded?.();
        },
      };
      return await bridgeWebSocket(request, prepared, bridges, options);
    } catch (error) {
      errors.push(error);
      tell();
      return error instanceof UpstreamError
        ? new Response(error.failure, { status: error.status })
        : new Response(String(error), { status: 500 });
    } finally {
      clearTimeout(timer);
    }
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
    },
  };
}

function prepare(
  request: Request,
  port: number,
  settings: BridgeSettings,
): PreparedRequest {
  const name = `127.0.0.1:${port}`;
  const address = settings.address ??
    { transport: "tcp", hostname: "127.0.0.1", port, name };
  const url = new URL(request.url);
  const context: RequestContext = {
    method: request.method,
    requestUri: url.pathname + url.search,
    path: url.pathname,
    args: url.search.slice(1),
    headers: request.headers,
    referer: null,
    userAgent: null,
    forwardedFor: null,
    host: url.hostname,
    scheme: "http",
    remoteAddr: "127.0.0.1",
    remotePort: "1",
    peerAddr: "127.0.0.1",
    forwardedHost: null,
    serverName: "",
    serverPort: url.port,
    requestId: "test-request",
    proxyHost: name,
    upstreamAddr: name,
  };
  const location: LocationPlan = {
    ...locationTo(name),
    websocketPing: settings.websocketPing ?? 0,
    websocketBufferSize: settings.websocketBufferSize ?? 64 * 1024 * 1024,
    ...settings.location,
  };
  location.upstream.scheme = settings.scheme ?? "http";
  return {
    server: { name: "", locations: compileLocations([]) },
    location,
    address,
    context,
    scheme: "http",
    authority: url.host,
    websocket: true,
    target: settings.target ?? context.requestUri,
    headers: settings.headers ?? [["host", name]],
    setCookie: null,
  };
}

/** What a location is that says nothing but where it goes. */
function locationTo(name: string): LocationPlan {
  const config = { locations: { "/": `http://${name}` } };
  const { listeners } = planFromObject(config, {
    source: "test",
    env: () => undefined,
  });
  const match = findLocation(
    findServer(listeners[0]!.servers, null).locations,
    "/",
  );
  return match!.location;
}
