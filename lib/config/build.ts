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
import { AccessBuilder } from "./build_access.ts";
import type { Path } from "./config_error.ts";
import { primaryName } from "./directives/listen.ts";
import {
  inlineAddress,
  proxyHost,
  type ProxyPass,
} from "./directives/proxy_pass.ts";
import { plainUpstream, type UpstreamConfig } from "./directives/upstream.ts";
import type {
  CommonPlan,
  ContentPlan,
  ListenAddress,
  ListenerPlan,
  LocationPlan,
  Plan,
  ServerPlan,
  UpstreamPlan,
} from "./plan.ts";
import type { Config, LocationConfig, ServerConfig } from "./schema.ts";
import {
  inheritSettings,
  type Settings,
  topSettings,
} from "./directives/all.ts";

/** The default, in milliseconds; nginx has no such directive. */
const WEBSOCKET_DRAIN = 5000;

const NOBODY: NetworkSet = { networks: [], unix: false };

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
): Omit<Plan, "warnings"> {
  const upstreams = new Upstreams(config);
  const access = new AccessBuilder(config, source);
  const top = { config, upstreams, access, settings: topSettings(config) };
  // The top level has all the directives of a server.
  const single = { ...config, locations: config.locations ?? [] };
  const servers = (config.servers ?? [single]).map((server, i) => {
    const path = config.servers === undefined ? [] : ["servers", i];
    return { server: buildServer(server, path, top), config: server };
  });
  return {
    source,
    listeners: buildListeners(servers, {
      trustedProxies: config.trusted_proxies ?? NOBODY,
      realIpHeader: config.real_ip_header,
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
    const mayBeNamed = "hostname" in pass.to && pass.to.port === null;
    const named = mayBeNamed ? this.#named.get(name) : undefined;
    if (named !== undefined) {
      return this.#once(`upstream ${name}`, name, pass.scheme, () => named);
    }
    const address = inlineAddress(pass, []);
    return this.#once(
      address.name,
      name,
      pass.scheme,
      () => plainUpstream(address),
    );
  }

  /** One plan for each upstream and scheme. */
  #once(
    identity: string,
    name: string,
    scheme: UpstreamPlan["scheme"],
    make: () => UpstreamConfig,
  ): UpstreamPlan {
    const key = `${scheme} ${identity}`;
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      plan = { name, scheme, ...make() };
      this.#plans.set(key, plan);
    }
    return plan;
  }

  all(): UpstreamPlan[] {
    return [...this.#plans.values()];
  }
}

/** What a server needs besides its own block. */
interface Top {
  readonly config: Config;
  readonly settings: Settings;
  readonly upstreams: Upstreams;
  readonly access: AccessBuilder;
}

/** @param path Where the server stands in the config. */
function buildServer(server: ServerConfig, path: Path, top: Top): ServerPlan {
  const { access } = top;
  access.visit(server, path);
  const serverSettings = inheritSettings(server, top.settings);
  const locations = server.locations.map(({ written, key, value }) => {
    access.visit(value, [...path, "locations", written]);
    const content = contentOf(value, server, top);
    const settings = inheritSettings(value, serverSettings);
    const proxies = content.kind === "proxy";
    // nginx runs `return` (rewrite phase) before its access phases.
    const returns = content.kind === "return" || content.kind === "redirect";
    const plan: LocationPlan = {
      key: written,
      prefix: key.kind === "regex" ? "" : key.path,
      access: returns ? [] : access.accessOf(value, settings),
      content,
      internal: value.internal,
      settings,
    };
    // nginx redirects /admin to /admin/ only if /admin/ is proxied.
    return {
      key: proxies || key.kind === "regex"
        ? key
        : { ...key, autoRedirect: false },
      value: plan,
    };
  });
  return {
    name: primaryName(server.server_name),
    locations: compileLocations(locations),
  };
}

function contentOf(
  location: LocationConfig,
  server: ServerConfig,
  { config, upstreams }: Top,
): ContentPlan {
  const { proxy_pass } = location;
  if (location.return !== undefined) return location.return;
  if (proxy_pass === undefined) throw new Error("a location without content");
  // As in nginx, a level that sets a header itself inherits none.
  const set = [location, server, config]
    .map((level) => level.proxy_set_header)
    .find((set) => set !== undefined && set.headers.length > 0);
  return {
    kind: "proxy",
    upstream: upstreams.get(proxy_pass),
    passUri: proxy_pass.uri,
    proxyPass: proxy_pass.written,
    setHeaders: set?.headers ?? [],
    setHeaderNames: set?.names ?? new Set(),
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
