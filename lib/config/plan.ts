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

/**
 * The values of the directives that locations inherit, by their names. Times in
 * milliseconds, sizes in bytes.
 */
export interface Settings {
  readonly proxy_redirect: ProxyRedirect;
  /** Largest request body; 0 is no limit. */
  readonly client_max_body_size: number;
  readonly proxy_connect_timeout: number;
  readonly proxy_send_timeout: number;
  /** Longest wait for the head, and between two pieces of the body; 0 is no limit. */
  readonly proxy_read_timeout: { readonly head: number; readonly body: number };
  readonly client_body_timeout: number;
  /** 0 is no limit. */
  readonly request_timeout: number;
  readonly proxy_next_upstream: NextUpstream;
  /** 0 is all. */
  readonly proxy_next_upstream_tries: number;
  /** 0 is no limit. */
  readonly proxy_next_upstream_timeout: number;
  /** 0 is not at all. */
  readonly wait_for_upstream: number;
  readonly websocket_max_message_size: number;
  readonly websocket_message_rate: MessageRate;
  /** 0 is off. */
  readonly websocket_ping: number;
  readonly websocket_buffer_size: number;
  readonly access_log: boolean;
}

/** Most things at a time, of the whole proxy or of one location; 0 is no limit. */
export interface LimitConnZone extends LimitConn {
  readonly scope: "proxy" | "location";
}

/** `limit_conn` and `websocket_limit_conn`: what may be in flight at a time. */
export interface LimitConnPlan {
  readonly kind: "limit_conn";
  /** Limits on requests, the whole proxy's first. */
  readonly requests: readonly LimitConnZone[];
  /** Limits on open WebSockets. */
  readonly webSockets: readonly LimitConnZone[];
}

/** One check of the access phase. */
export type AccessPlan = LimitConnPlan;

/** `proxy_pass`: requests go to a server of an upstream. */
export interface ProxyPlan {
  readonly kind: "proxy";
  readonly upstream: UpstreamPlan;
  /** The path (with query, if any) written in `proxy_pass`, which replaces the prefix; null forwards the request's own target. */
  readonly passUri: string | null;
  /** `proxy_pass` as written. */
  readonly proxyPass: string;
  /** Headers set by `proxy_set_header`, or the defaults. They replace the client's of the same name. */
  readonly setHeaders: readonly HeaderTemplate[];
  /** Lower-case names in `setHeaders`, for the filter of the client's own headers. */
  readonly setHeaderNames: ReadonlySet<string>;
}

/** nginx's `return CODE [text]`. */
export interface ReturnPlan {
  readonly kind: "return";
  readonly status: number;
  /** Null is the proxy's own page for that status. */
  readonly text: Template | null;
}

/** nginx's `return CODE URL`. */
export interface RedirectPlan {
  readonly kind: "redirect";
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly location: Template;
}

/** What answers the requests of a location. */
export type ContentPlan = ProxyPlan | ReturnPlan | RedirectPlan;

/** What a location does with the requests it takes. */
export interface LocationPlan {
  /** The key as the config writes it: `/api`, `= /exact`, `~ \.php$`. */
  readonly key: string;
  /** The prefix or exact path, a byte string; `""` for a regex. */
  readonly prefix: string;
  /** What is checked before the content, in this order; empty for most. */
  readonly access: readonly AccessPlan[];
  readonly content: ContentPlan;
  readonly settings: Settings;
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
  /** Whose `realIpHeader` and what belongs to it are believed. */
  trustedProxies: NetworkSet;
  /**
   * The header that tells the client's address, in lower case (nginx's
   * `real_ip_header`): `forwarded`, or one with an address or a list of them.
   */
  realIpHeader: string;
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
