/**
 * From a config to the plan: what locations inherit is handed down, names are
 * looked up, and the tables that requests walk are made.
 *
 * @module
 */
import { compileLocations } from "../route/location.ts";
import type { NetworkSet } from "../route/network.ts";
import { compileServers } from "../route/server.ts";
import { listenKey } from "./address.ts";
import type {
  CommonPlan,
  LimitConn,
  ListenAddress,
  ListenerPlan,
  LocationPlan,
  Plan,
  ServerPlan,
  UpstreamPlan,
} from "./plan.ts";
import { directives, type Inherited } from "./directives/all.ts";
import { primaryName } from "./directives/listen.ts";
import {
  inlineAddress,
  proxyHost,
  type ProxyPass,
} from "./directives/proxy_pass.ts";
import { plainUpstream, type UpstreamConfig } from "./directives/upstream.ts";
import type { Config, LocationConfig, ServerConfig } from "./schema.ts";

/** Where nothing is said: nginx has no such directive. */
const WEBSOCKET_DRAIN = 5000;

const NOBODY: NetworkSet = { networks: [], unix: false };

const NO_LIMIT: LimitConn = { total: 0, perAddress: 0 };

/** What the command line says over the config. */
export interface PlanOverrides {
  readonly logFormat?: Plan["logFormat"] | undefined;
  readonly dev?: boolean | undefined;
}

/** Builds the plan of a config that has been checked. */
export function buildPlan(
  config: Config,
  source: string,
  overrides: PlanOverrides,
): Plan {
  const upstreams = new Upstreams(config);
  // What is a server's own stands at the top too.
  const single = { ...config, locations: config.locations ?? [] };
  const servers = (config.servers ?? [single]).map((server) => ({
    server: buildServer(server, config, upstreams),
    config: server,
  }));
  return {
    source,
    listeners: buildListeners(servers, {
      trustedProxies: config.trusted_proxies ?? NOBODY,
      limitConn: config.limit_conn ?? NO_LIMIT,
      websocketLimitConn: config.websocket_limit_conn ?? NO_LIMIT,
    }),
    upstreams: upstreams.all(),
    workers: config.workers,
    logFormat: overrides.logFormat ?? config.log_format,
    dev: overrides.dev ?? config.dev,
    shutdownTimeout: config.shutdown_timeout,
    websocketDrain: config.websocket_drain ??
      Math.min(WEBSOCKET_DRAIN, Math.floor(config.shutdown_timeout / 2)),
  };
}

/** The upstreams that locations use, each once. */
class Upstreams {
  readonly #plans = new Map<string, UpstreamPlan>();

  readonly #named: ReadonlyMap<string, UpstreamConfig>;

  constructor({ upstreams }: Config) {
    this.#named = new Map(upstreams.map(({ key, value }) => [key, value]));
  }

  /** The upstream of a `proxy_pass`: one of `upstreams`, or the address in it. */
  get(pass: ProxyPass): UpstreamPlan {
    const name = proxyHost(pass);
    const named = "path" in pass.to || pass.to.port !== null
      ? undefined
      : this.#named.get(name);
    const address = named === undefined ? inlineAddress(pass, []) : null;
    const identity = address === null
      ? `${pass.scheme}  ${name}`
      : `${pass.scheme} ${address.name}`;
    let plan = this.#plans.get(identity);
    if (plan === undefined) {
      const group = named ?? plainUpstream(inlineAddress(pass, []));
      plan = { name, scheme: pass.scheme, ...group };
      this.#plans.set(identity, plan);
    }
    return plan;
  }

  all(): UpstreamPlan[] {
    return [...this.#plans.values()];
  }
}

function buildServer(
  server: ServerConfig,
  config: Config,
  upstreams: Upstreams,
): ServerPlan {
  return {
    name: primaryName(server.server_name),
    locations: compileLocations(
      server.locations.map(({ written, key, value: location }) => {
        const prefix = key.kind === "regex" ? "" : key.path;
        const upstream = upstreams.get(location.proxy_pass);
        const chain: Chain = [location, server, config];
        return { key, value: buildLocation(written, prefix, upstream, chain) };
      }),
    ),
  };
}

type Unset<T> = { [Name in keyof T]?: T[Name] | undefined };

/** From the inside out. */
type Chain = [LocationConfig, ServerConfig, Config];

function buildLocation(
  key: string,
  prefix: string,
  upstream: UpstreamPlan,
  [location, server, top]: Chain,
): LocationPlan {
  // As in nginx, a level that sets a header itself inherits none.
  const headers = [location, server, top]
    .map((level) => level.proxy_set_header)
    .find((set) => set !== undefined && set.headers.length > 0);
  function inherited<Name extends keyof Inherited>(
    name: Name,
  ): Inherited[Name] {
    const own: Unset<Inherited> = location;
    const servers: Unset<Inherited> = server;
    const tops: Unset<Inherited> = top;
    return own[name] ?? servers[name] ?? tops[name] ??
      directives[name].unset as Inherited[Name];
  }
  const readTimeout = inherited("proxy_read_timeout");
  return {
    key,
    prefix,
    upstream,
    passUri: location.proxy_pass.uri,
    proxyPass: location.proxy_pass.written,
    setHeaders: headers?.headers ?? [],
    setHeaderNames: headers?.names ?? new Set(),
    proxyRedirect: inherited("proxy_redirect"),
    clientMaxBodySize: inherited("client_max_body_size"),
    proxyConnectTimeout: inherited("proxy_connect_timeout"),
    proxySendTimeout: inherited("proxy_send_timeout"),
    proxyReadTimeout: readTimeout.head,
    proxyBodyTimeout: readTimeout.body,
    clientBodyTimeout: inherited("client_body_timeout"),
    requestTimeout: inherited("request_timeout"),
    nextUpstream: inherited("proxy_next_upstream"),
    nextUpstreamTries: inherited("proxy_next_upstream_tries"),
    nextUpstreamTimeout: inherited("proxy_next_upstream_timeout"),
    waitForUpstream: inherited("wait_for_upstream"),
    limitConn: location.limit_conn ?? NO_LIMIT,
    websocketLimitConn: location.websocket_limit_conn ?? NO_LIMIT,
    websocketMaxMessageSize: inherited("websocket_max_message_size"),
    websocketMessageRate: inherited("websocket_message_rate"),
    websocketPing: inherited("websocket_ping"),
    websocketBufferSize: inherited("websocket_buffer_size"),
    accessLog: inherited("access_log"),
  };
}

/** One listener for each address, with the servers of that address in the file's order. */
function buildListeners(
  servers: readonly { server: ServerPlan; config: ServerConfig }[],
  common: CommonPlan,
): ListenerPlan[] {
  const listeners = new Map<string, {
    address: ListenAddress;
    written: string;
    entries: { names: string[]; server: ServerPlan }[];
  }>();
  for (const { server, config } of servers) {
    for (const { address, written } of config.listen) {
      const identity = listenKey(address);
      const listener = listeners.get(identity) ??
        { address, written, entries: [] };
      listener.entries.push({ names: config.server_name, server });
      listeners.set(identity, listener);
    }
  }
  return [...listeners.values()].map(({ address, written, entries }) => ({
    address,
    written,
    servers: compileServers(entries),
    common,
  }));
}
