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
import type { Problem } from "./config_error.ts";
import type { AccessRulesPlan, SatisfyAnyPlan } from "./directives/access.ts";
import type { AuthBasicPlan } from "./directives/auth_basic.ts";
import type { AuthRequestPlan } from "./directives/auth_request.ts";
import type { LimitReqPlan } from "./directives/limit_req.ts";
import type { HeaderTemplate } from "./directives/proxy_set_header.ts";
import type { RedirectPlan, ReturnPlan } from "./directives/return.ts";
import type { UpstreamConfig } from "./directives/upstream.ts";
import type { Settings } from "./directives/all.ts";

export type { ListenAddress, UpstreamAddress } from "./address.ts";
export type { AccessRule, AccessRulesPlan } from "./directives/access.ts";
export type { AuthBasicPlan } from "./directives/auth_basic.ts";
export type { AuthRequestPlan } from "./directives/auth_request.ts";
export type { LimitReqLimit, LimitReqPlan } from "./directives/limit_req.ts";
export type {
  AllowedOrigin,
  WebSocketOrigins,
} from "./directives/websocket_origins.ts";
export type { BalancePlan } from "./directives/balance.ts";
export type { HealthCheckPlan } from "./directives/health_check.ts";
export type { NextUpstream, ReadTimeout } from "./directives/proxy.ts";
export type { ProxyRedirect } from "./directives/proxy_redirect.ts";
export type { HeaderTemplate } from "./directives/proxy_set_header.ts";
export type { RedirectPlan, ReturnPlan } from "./directives/return.ts";
export type { UpstreamServerPlan } from "./directives/upstream.ts";
export type { MessageRate } from "./directives/websocket.ts";
export type { Settings } from "./directives/all.ts";

/** A group of servers a `proxy_pass` goes to, named in `upstreams:` or written inline. */
export interface UpstreamPlan extends UpstreamConfig {
  /** The name in `upstreams:`, or `host[:port]` as written inline. This is nginx's `$proxy_host`. */
  name: string;
  /** `http` or `https`, from the `proxy_pass`. One name used with both schemes makes two plans. */
  scheme: "http" | "https";
}

/** What a location does with the requests it takes. */
export interface LocationPlan {
  /** The key as the config writes it: `/api`, `= /exact`, `~ \.php$`. */
  readonly key: string;
  /** The prefix or exact path; `""` for a regex (byte string). */
  readonly prefix: string;
  /** What is checked before the content, in order; empty for most. */
  readonly access: readonly AccessPlan[];
  readonly content: ContentPlan;
  /** Whether clients get 404: only a subrequest may ask for it. */
  readonly internal: boolean;
  /** The values of the directives that locations inherit, under their names. */
  readonly settings: Settings;
}

/** What answers a request. */
export type ContentPlan = ProxyPlan | ReturnPlan | RedirectPlan;

/** nginx's `proxy_pass`. */
export interface ProxyPlan {
  readonly kind: "proxy";
  readonly upstream: UpstreamPlan;
  /** The path (with query, if any) written in `proxy_pass`, which replaces `prefix`; null forwards the request's own target. */
  readonly passUri: string | null;
  /** `proxy_pass` as written. */
  readonly proxyPass: string;
  /** Headers set by `proxy_set_header`, or the defaults. They replace the client's of the same name. */
  readonly setHeaders: readonly HeaderTemplate[];
  /** Lower-case names in `setHeaders`, for the filter of the client's own headers. */
  readonly setHeaderNames: ReadonlySet<string>;
}

/** What may refuse a request before its content is asked. */
export type AccessPlan =
  | LimitReqPlan
  | LimitConnPlan
  | AccessCheckPlan
  | SatisfyAnyPlan<AccessCheckPlan>;

/** What `satisfy` is about: who the client is. */
export type AccessCheckPlan = AccessRulesPlan | AuthBasicPlan | AuthRequestPlan;

/** `limit_conn` and `websocket_limit_conn`. */
export interface LimitConnPlan {
  readonly kind: "limit_conn";
  /** Limits on requests in flight, the whole proxy's first. */
  readonly requests: readonly LimitConnZone[];
  /** Limits on open WebSockets, the whole proxy's first. */
  readonly webSockets: readonly LimitConnZone[];
}

/** Most things at a time, of the whole proxy or of one location. */
export interface LimitConnZone {
  readonly scope: "proxy" | "location";
  /** Of all clients together; 0 is no limit. */
  readonly total: number;
  /** Of each client address; 0 is no limit. */
  readonly perAddress: number;
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
  /** What can be used, but should be looked at. */
  warnings: readonly Problem[];
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
