/**
 * The plan: everything that depends only on the config, computed once when it
 * is read, so that a request only walks it. No regular expression is built, no
 * template parsed and no config object searched per request.
 *
 * A plan holds no sockets and no timers: each worker builds its own from the
 * config's text, and a reload builds the next one the same way.
 *
 * @module
 */
import type { LocationTable } from "../route/location.ts";
import type { NetworkSet } from "../route/network.ts";
import type { ServerTable } from "../route/server.ts";
import type { ListenAddress } from "./address.ts";
import type { LimitConn } from "./directives/limits.ts";
import type { NextUpstream } from "./directives/proxy.ts";
import type { ProxyRedirect } from "./directives/proxy_redirect.ts";
import type { HeaderTemplate } from "./directives/proxy_set_header.ts";
import type { UpstreamConfig } from "./directives/upstream.ts";
import type { MessageRate } from "./directives/websocket.ts";

export type { ListenAddress, UpstreamAddress } from "./address.ts";
export type { HealthCheckPlan } from "./directives/health_check.ts";
export type { LimitConn } from "./directives/limits.ts";
export type { NextUpstream } from "./directives/proxy.ts";
export type { ProxyRedirect } from "./directives/proxy_redirect.ts";
export type { HeaderTemplate } from "./directives/proxy_set_header.ts";
export type { BalancePlan, UpstreamServerPlan } from "./directives/upstream.ts";
export type { MessageRate } from "./directives/websocket.ts";

/** A group of servers a `proxy_pass` goes to, named in `upstreams:` or written inline. */
export interface UpstreamPlan extends UpstreamConfig {
  /** The name in `upstreams:`, or `host[:port]` as written inline. This is nginx's `$proxy_host`. */
  name: string;
  /** `http` or `https`, from the `proxy_pass`. One name used with both schemes makes two plans. */
  scheme: "http" | "https";
}

/** What a location does with the requests it takes. All times in milliseconds, sizes in bytes. */
export interface LocationPlan {
  /** The key as the config writes it: `/api`, `= /exact`, `~ \.php$`. */
  key: string;
  /** The prefix or exact path that is replaced when `passUri` is set; `""` for a regex. */
  prefix: string;
  upstream: UpstreamPlan;
  /** The path (with query, if any) written in `proxy_pass`, which replaces `prefix`; null forwards the request's own target. */
  passUri: string | null;
  /** `proxy_pass` as written. */
  proxyPass: string;
  /** Headers set by `proxy_set_header`, or the defaults. They replace the client's of the same name. */
  setHeaders: HeaderTemplate[];
  /** Lower-case names in `setHeaders`, for the filter of the client's own headers. */
  setHeaderNames: ReadonlySet<string>;
  proxyRedirect: ProxyRedirect;
  /** Largest request body in bytes; 0 is no limit (nginx's `client_max_body_size`). */
  clientMaxBodySize: number;
  /** Longest wait for a connection. */
  proxyConnectTimeout: number;
  /** Longest wait for the upstream to take some of the body. */
  proxySendTimeout: number;
  /** Longest wait for the response head after the request was sent. */
  proxyReadTimeout: number;
  /** Longest wait between two pieces of a response's body; 0 is no limit. */
  proxyBodyTimeout: number;
  /** Longest wait between two pieces of a request's body. */
  clientBodyTimeout: number;
  /** Longest time of a whole exchange; 0 is no limit. */
  requestTimeout: number;
  nextUpstream: NextUpstream;
  /** Most servers tried for a request; 0 is all. */
  nextUpstreamTries: number;
  /** No other server is tried after this time; 0 is no limit. */
  nextUpstreamTimeout: number;
  /** How long a request is held while no server can be connected to; 0 is not at all. */
  waitForUpstream: number;
  /** Most requests in flight. */
  limitConn: LimitConn;
  /** Most open WebSockets. */
  websocketLimitConn: LimitConn;
  /** Bytes of the longest message, either way. */
  websocketMaxMessageSize: number;
  /** How fast a client may send messages; 0 messages is no limit. */
  websocketMessageRate: MessageRate;
  /** A WebSocket client silent for this long is pinged and, if it stays silent, closed. 0 is off. */
  websocketPing: number;
  /** Bytes from the client that may wait for a slow upstream before the bridge is closed. */
  websocketBufferSize: number;
  accessLog: boolean;
}

/** A virtual host. */
export interface ServerPlan {
  /** The first `server_name` (nginx's `$server_name`); `""` if there is none. */
  name: string;
  locations: LocationTable<LocationPlan>;
}

/** One socket to listen on, and the servers behind it. */
export interface ListenerPlan {
  address: ListenAddress;
  /** As the config writes it, for messages. */
  written: string;
  servers: ServerTable<ServerPlan>;
  /** What holds for every listener of the plan. */
  common: CommonPlan;
}

/** What holds for the whole proxy. */
export interface CommonPlan {
  /** Whose `X-Forwarded-*` and `Forwarded` are believed. */
  trustedProxies: NetworkSet;
  /** Most requests in flight. */
  limitConn: LimitConn;
  /** Most open WebSockets. */
  websocketLimitConn: LimitConn;
}

/** The whole plan. */
export interface Plan {
  /** The file the plan was read from, or a name for it (`built-in defaults`). */
  source: string;
  listeners: ListenerPlan[];
  /** Every distinct upstream of every location, once each. */
  upstreams: UpstreamPlan[];
  /** Threads that accept connections, from 1. */
  workers: number;
  logFormat: "combined" | "json" | "off";
  /** Whether error pages name the upstream and what to do. */
  dev: boolean;
  /** Milliseconds that requests in flight get at shutdown. */
  shutdownTimeout: number;
  /** Milliseconds over which open WebSockets are closed at shutdown. */
  websocketDrain: number;
}
