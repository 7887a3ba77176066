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

/** A group of servers a `proxy_pass` goes to, named in `upstreams:` or written inline. */
export interface UpstreamPlan {
  /** The name in `upstreams:`, or `host[:port]` as written inline. This is nginx's `$proxy_host`. */
  name: string;
  /** `http` or `https`, from the `proxy_pass`. One name used with both schemes makes two plans. */
  scheme: "http" | "https";
  /** At least one. */
  servers: UpstreamAddress[];
  /** Idle keep-alive connections kept for each server (nginx's `keepalive`). */
  keepalive: number;
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
  /** Longest wait for the response head after the request was sent. */
  proxyReadTimeout: number;
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
}

/** The whole plan. */
export interface Plan {
  /** The file the plan was read from, or a name for it (`built-in defaults`). */
  source: string;
  listeners: ListenerPlan[];
  /** Every distinct upstream of every location, once each. */
  upstreams: UpstreamPlan[];
  logFormat: "combined" | "json" | "off";
  /** Whether error pages name the upstream and what to do. */
  dev: boolean;
  /** Milliseconds that requests in flight get at shutdown. */
  shutdownTimeout: number;
  /** Milliseconds over which open WebSockets are closed at shutdown. */
  websocketDrain: number;
}
