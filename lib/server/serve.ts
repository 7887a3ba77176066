/**
 * Listening, and the end of it.
 *
 * @module
 */
import type { ListenAddress, ListenerPlan, Plan } from "../config/plan.ts";
import type { AccessLog } from "../observe/access_log.ts";
import { Deadlines } from "../proxy/deadline.ts";
import { WebSocketBridges } from "../proxy/websocket.ts";
import { UpstreamGroups } from "../upstream/groups.ts";
import { createHandler, type ServerState } from "./handler.ts";

/** An address could not be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  constructor(
    /** As the config writes it. */
    readonly address: string,
    readonly kind: "in use" | "permission" | "unavailable",
    options: ErrorOptions,
  ) {
    super(`cannot listen on ${address}: ${kind}`, options);
  }
}

export interface ServerOptions {
  accessLog: AccessLog;
  /** Takes one line for whoever runs the proxy. */
  errorLog: (line: string) => void;
}

/** A proxy that is running. */
export interface RunningServer {
  /** Where it listens, and how to open that in a browser. */
  readonly addresses: { written: string; url: string }[];
  /** Settles when every listener has ended. */
  readonly finished: Promise<void>;
  /**
   * Stops accepting, lets requests in flight finish for up to
   * `shutdown_timeout`, and closes WebSockets with 1012 ("service restart") over
   * `websocket_drain`. Resolves when all is closed or the time is over; what is
   * left then ends with the process.
   */
  shutdown(): Promise<void>;
  /** Ends everything at once. */
  abort(): void;
}

/** RFC 6455 section 7.4, IANA: service restart. Clients come back by themselves. */
const SERVICE_RESTART = 1012;

/**
 * Listens on every address of the plan.
 *
 * @throws {ListenError} if one can't be had; those already open are closed.
 */
export function startServer(plan: Plan, options: ServerOptions): RunningServer {
  forgetForwardProxies();
  const state: ServerState = {
    groups: new UpstreamGroups(plan.upstreams),
    bridges: new WebSocketBridges(),
    deadlines: new Deadlines(),
    dev: plan.dev,
    ...options,
  };
  const kill = new AbortController();
  const listeners: Deno.HttpServer<Deno.Addr>[] = [];
  try {
    for (const listener of plan.listeners) {
      listeners.push(listen(listener, state, kill.signal));
    }
  } catch (error) {
    kill.abort();
    close(state);
    throw error;
  }
  let stopping = false;
  const finished = Promise.all(listeners.map((l) => l.finished)).then(() => {});
  return {
    addresses: listeners.map((server, i) => ({
      written: plan.listeners[i]?.written ?? "",
      url: urlOf(server.addr),
    })),
    finished,
    abort() {
      state.bridges.abort();
      // Once a server is shutting down Deno has no way to end it at once.
      if (!stopping) kill.abort();
      stopping = true;
      close(state);
    },
    async shutdown() {
      if (stopping) return;
      stopping = true;
      const ended = Promise.all([
        ...listeners.map((server) => server.shutdown()),
        state.bridges.closeAll(
          SERVICE_RESTART,
          "service restart",
          Math.min(plan.websocketDrain, plan.shutdownTimeout),
        ),
      ]);
      let timer;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, plan.shutdownTimeout);
      });
      await Promise.race([ended, late]);
      clearTimeout(timer);
      state.bridges.abort();
      close(state);
      await options.accessLog.flush();
    },
  };
}

/**
 * `fetch` would send every upstream request through the forward proxies named
 * in these variables, which containers often have. That is never meant here.
 */
function forgetForwardProxies(): void {
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) {
    Deno.env.delete(name);
    Deno.env.delete(name.toLowerCase());
  }
}

function listen(
  listener: ListenerPlan,
  state: ServerState,
  signal: AbortSignal,
): Deno.HttpServer<Deno.Addr> {
  const { address } = listener;
  const place = placeOf(address);
  // Deno says by itself where it listens; the command does that better.
  const common = { signal, onListen() {}, onError: lastResort(state) };
  try {
    if (address.transport === "unix") {
      const handler = createHandler(listener, place, state);
      return Deno.serve({ path: address.path, ...common }, handler);
    }
    const { hostname, port } = address;
    const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
      { hostname, port, ...common },
      // The port is known only now where the config says 0.
      (request, info) => handler(request, info),
    );
    const bound = placeOf({ ...address, port: server.addr.port });
    const handler = createHandler(listener, bound, state);
    return server;
  } catch (cause) {
    throw new ListenError(listener.written, kindOf(cause), { cause });
  }
}

function placeOf(address: ListenAddress) {
  if (address.transport === "unix") {
    return {
      urlScheme: "http+unix://",
      fallbackHost: encodeURIComponent(address.path),
      serverPort: "",
    };
  }
  return {
    urlScheme: "http://",
    fallbackHost: fallbackHost(address.hostname, address.port),
    serverPort: String(address.port),
  };
}

/** What Deno puts into a request's URL where the request names no host. */
function fallbackHost(hostname: string, port: number): string {
  const local = /^(localhost|127\..*|0\.0\.0\.0|::1?|\[::1?\])$/.test(hostname);
  const host = local ? "localhost" : hostname;
  return port === 80 ? host : `${host}:${port}`;
}

/** The handler catches what can be caught; this is for what it can't be. */
function lastResort(state: ServerState) {
  return (error: unknown) => {
    state.errorLog(`500: ${error instanceof Error ? error.stack : error}`);
    return new Response("500 Internal Server Error\n", { status: 500 });
  };
}

function kindOf(cause: unknown): ListenError["kind"] {
  if (cause instanceof Deno.errors.AddrInUse) return "in use";
  if (
    cause instanceof Deno.errors.PermissionDenied ||
    cause instanceof Deno.errors.NotCapable
  ) return "permission";
  return "unavailable";
}

function close(state: ServerState): void {
  state.deadlines.close();
  state.groups.close();
}

function urlOf(address: Deno.Addr): string {
  if (!("hostname" in address)) return "a unix socket";
  const any = address.hostname === "0.0.0.0" || address.hostname === "::" ||
    address.hostname === "127.0.0.1" || address.hostname === "::1";
  const host = any
    ? "localhost"
    : address.hostname.includes(":")
    ? `[${address.hostname}]`
    : address.hostname;
  return `http://${host}${address.port === 80 ? "" : `:${address.port}`}`;
}
