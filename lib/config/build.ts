/**
 * From a config to the plan: what locations inherit is handed down, names are
 * looked up, and the tables that requests walk are made.
 *
 * @module
 */
import { compileLocations } from "../route/location.ts";
import { networkSet } from "../route/network.ts";
import { compileServers } from "../route/server.ts";
import type {
  AccessPlan,
  CommonPlan,
  LimitConn,
  LimitConnZone,
  ListenAddress,
  ListenerPlan,
  LocationPlan,
  Plan,
  ServerPlan,
  UpstreamPlan,
} from "./plan.ts";
import { inlineAddress, proxyHost, type ProxyPass } from "./proxy_pass.ts";
import type {
  Config,
  Defaults,
  LocationConfig,
  ServerConfig,
} from "./schema.ts";
import { plainGroup, SERVER_DEFAULTS } from "./upstream_values.ts";
import { primaryName } from "./server_name.ts";

/** Where nothing is said: nginx has no such directive. */
const WEBSOCKET_DRAIN = 5000;

/** Where nothing is said; nginx's. */
const PROXY_READ_TIMEOUT = 60_000;

/** Where nothing is said; nginx's is X-Real-IP. */
const REAL_IP_HEADER = "x-forwarded-for";

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
  const servers = config.servers.map((server) => ({
    server: buildServer(server, config, upstreams),
    config: server,
  }));
  return {
    source,
    listeners: buildListeners(servers, {
      trustedProxies: networkSet(config.trusted_proxies ?? []),
      realIpHeader: REAL_IP_HEADER,
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

  constructor(private readonly config: Config) {}

  /** The upstream of a `proxy_pass`: one of `upstreams`, or the address in it. */
  get(pass: ProxyPass): UpstreamPlan {
    const name = proxyHost(pass);
    const named = "path" in pass.to || pass.to.port !== null
      ? undefined
      : this.config.upstreams.get(name);
    const group = named ??
      plainGroup([{ address: inlineAddress(pass, []), ...SERVER_DEFAULTS }]);
    const identity = [
      pass.scheme,
      ...(named === undefined
        ? group.servers.map(({ address }) => address.name)
        : ["", name]),
    ].join(" ");
    let plan = this.#plans.get(identity);
    if (plan === undefined) {
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
      server.locations.map(({ written, key, location }) => {
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
  function inherited<Name extends keyof Defaults>(name: Name): Defaults[Name] {
    const own: Unset<Defaults> = location;
    const servers: Unset<Defaults> = server;
    return own[name] ?? servers[name] ?? top[name];
  }
  const readTimeout = location.proxy_read_timeout ??
    server.proxy_read_timeout ?? top.proxy_read_timeout;
  return {
    key,
    prefix,
    access: limitConn(location, top),
    content: {
      kind: "proxy",
      upstream,
      passUri: location.proxy_pass.uri,
      proxyPass: location.proxy_pass.written,
      setHeaders: headers?.headers ?? [],
      setHeaderNames: headers?.names ?? new Set(),
    },
    settings: {
      proxy_redirect: inherited("proxy_redirect"),
      client_max_body_size: inherited("client_max_body_size"),
      proxy_connect_timeout: inherited("proxy_connect_timeout"),
      proxy_send_timeout: inherited("proxy_send_timeout"),
      proxy_read_timeout: {
        head: readTimeout ?? PROXY_READ_TIMEOUT,
        body: readTimeout ?? 0,
      },
      client_body_timeout: inherited("client_body_timeout"),
      request_timeout: inherited("request_timeout"),
      proxy_next_upstream: inherited("proxy_next_upstream"),
      proxy_next_upstream_tries: inherited("proxy_next_upstream_tries"),
      proxy_next_upstream_timeout: inherited("proxy_next_upstream_timeout"),
      wait_for_upstream: inherited("wait_for_upstream"),
      websocket_max_message_size: inherited("websocket_max_message_size"),
      websocket_message_rate: inherited("websocket_message_rate"),
      websocket_ping: inherited("websocket_ping"),
      websocket_buffer_size: inherited("websocket_buffer_size"),
      access_log: inherited("access_log"),
    },
  };
}

function limitConn(location: LocationConfig, top: Config): AccessPlan[] {
  const zones = (
    ofAll: LimitConn | undefined,
    own: LimitConn | undefined,
  ): LimitConnZone[] => [
    ...(ofAll === undefined ? [] : [{ scope: "proxy", ...ofAll } as const]),
    ...(own === undefined ? [] : [{ scope: "location", ...own } as const]),
  ];
  const requests = zones(top.limit_conn, location.limit_conn);
  const webSockets = zones(
    top.websocket_limit_conn,
    location.websocket_limit_conn,
  );
  return requests.length + webSockets.length === 0
    ? []
    : [{ kind: "limit_conn", requests, webSockets }];
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
      const identity = JSON.stringify(address);
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
