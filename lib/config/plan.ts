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
import type { Template } from "./template.ts";

/** Where a listener binds. */
export type ListenAddress =
  | { transport: "tcp"; hostname: string; port: number }
  | { transport: "unix"; path: string };

/** One address of an upstream. `name` is how the config writes it (`backend:8000`). `hostname` has no brackets. */
export type UpstreamAddress =
  | { transport: "tcp"; hostname: string; port: number; name: string }
  | { transport: "unix"; path: string; name: string };

/** A server of an upstream with its parameters (nginx's `server` in `upstream`). */
export interface UpstreamServerPlan {
  address: UpstreamAddress;
  /** At least 1. */
  weight: number;
  /** Failures within `failTimeout` after which it is left out; 0 is never. */
  maxFails: number;
  /** Milliseconds. */
  failTimeout: number;
  /** Most exchanges at a time; 0 is no limit. */
  maxConns: number;
  /** Milliseconds from its return to its full share; 0 at once. */
  slowStart: number;
  backup: boolean;
  down: boolean;
}

/** How a server is chosen. */
export type BalancePlan =
  | { kind: "round_robin" | "least_conn" | "ip_hash" }
  | { kind: "random"; two: boolean }
  | { kind: "hash"; consistent: boolean; keyText: string; key: Template };

/** Active health checks. Times in milliseconds. */
export interface HealthCheckPlan {
  path: string;
  interval: number;
  timeout: number;
  /** Failed checks in a row that take a server out. */
  fails: number;
  /** Passed checks in a row that take it back. */
  passes: number;
  /** The statuses that pass, both ends included. */
  status: readonly (readonly [from: number, to: number])[];
}

/** When a request goes to another server (nginx's `proxy_next_upstream`). */
export interface NextUpstream {
  error: boolean;
  timeout: boolean;
  invalidHeader: boolean;
  /** Also requests that may not be repeated (RFC 9110 section 9.2.2). */
  nonIdempotent: boolean;
  statuses: readonly number[];
}

/** Most things at a time; 0 is no limit. */
export interface LimitConn {
  total: number;
  perAddress: number;
}

/** So many messages in so many milliseconds. */
export interface MessageRate {
  messages: number;
  per: number;
}

/** A group of servers a `proxy_pass` goes to, named in `upstreams:` or written inline. */
export interface UpstreamPlan {
  /** The name in `upstreams:`, or `host[:port]` as written inline. This is nginx's `$proxy_host`. */
  name: string;
  /** `http` or `https`, from the `proxy_pass`. One name used with both schemes makes two plans. */
  scheme: "http" | "https";
  /** At least one. */
  servers: UpstreamServerPlan[];
  /** Idle keep-alive connections kept for each server (nginx's `keepalive`). */
  keepalive: number;
  balance: BalancePlan;
  /** The cookie that keeps a client at its server; null for none. */
  sticky: string | null;
  /** Milliseconds after which names are looked up again; 0 leaves them to each connection. */
  resolve: number;
  healthCheck: HealthCheckPlan | null;
}

/** How `Location` and `Refresh` response headers are rewritten (nginx's `proxy_redirect`). */
export type ProxyRedirect =
  | { kind: "off" }
  /** `default`: the upstream's own address, with the path of `proxy_pass`, becomes the location's prefix. */
  | { kind: "default" }
  /** Explicit `from: to` pairs, first match wins; `from` is a prefix, taken literally. */
  | { kind: "pairs"; pairs: { from: string; to: Template }[] };

/** One header to send upstream. `name` is lower case. An empty rendered value is not sent. */
export interface HeaderTemplate {
  name: string;
  value: Template;
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
