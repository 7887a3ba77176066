/**
 * From a config to the plan: what locations inherit is handed down, names are
 * looked up, and the tables that requests walk are made.
 *
 * @module
 */
import { compileLocations } from "../route/location.ts";
import type { NetworkSet } from "../route/network.ts";
import { AccessBuilder } from "./build_access.ts";
import { buildListeners } from "./build_listeners.ts";
import { ownOrAbove, placedServers } from "./build_placed.ts";
import { staticContent } from "./build_static.ts";
import type { Certificates } from "./certificates.ts";
import type { Path } from "./config_error.ts";
import {
  answerPlan,
  capturedKey,
  responseRules,
  returnPlan,
  serverRewrite,
} from "./build_answers.ts";
import { primaryName } from "./directives/listen.ts";
import {
  inlineAddress,
  proxyHost,
  type ProxyPass,
} from "./directives/proxy_pass.ts";
import { plainUpstream, type UpstreamConfig } from "./directives/upstream.ts";
import type {
  ContentPlan,
  LocationPlan,
  Plan,
  ServerPlan,
  UpstreamPlan,
  UpstreamTls,
} from "./plan.ts";
import type { NamedFiles } from "./named_files.ts";
import { upstreamTls } from "./upstream_tls.ts";
import type { Config, LocationConfig, ServerConfig } from "./schema.ts";
import {
  inheritSettings,
  type Settings,
  topSettings,
} from "./directives/all.ts";

/** The default, in milliseconds; nginx has no such directive. */
const WEBSOCKET_DRAIN = 5000;

const NOT_FOUND: ContentPlan = {
  kind: "return",
  status: 404,
  text: null,
  type: "",
  captures: 0,
};

const NOBODY: NetworkSet = { networks: [], unix: false };

/** What the command line says over the config. */
export interface PlanOverrides {
  readonly logFormat?: "combined" | "json" | "off" | undefined;
  readonly dev?: boolean | undefined;
}

/** What belongs to the config besides its text. */
export interface PlanParts {
  /** The file's name, or what stands for it in messages. */
  readonly source: string;
  /** The files that it names. */
  readonly files: NamedFiles;
  readonly certificates: Certificates;
}

/** Builds the plan of a config that has been checked. */
export function buildPlan(
  config: Config,
  { source, files, certificates }: PlanParts,
  overrides: PlanOverrides,
): Omit<Plan, "warnings" | "certificateDoubts"> {
  const upstreams = new Upstreams(config, files);
  const access = new AccessBuilder(config, source);
  const settings = topSettings(config);
  const top = { config, source, upstreams, access, settings };
  // The top level has all the directives of a server.
  const servers = (config.servers ?? [config]).flatMap((server, i) => {
    const path = config.servers === undefined ? [] : ["servers", i];
    const plan = buildServer(server, path, top);
    return placedServers(server, plan, top, certificates);
  });
  const acme = servers.flatMap((placed) => placed.acme ?? []);
  return {
    source,
    acme: [...new Map(acme.map((one) => [one.file, one])).values()],
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
    admin: config.admin ?? null,
  };
}

/** The upstreams that locations use, each once. */
class Upstreams {
  readonly #plans = new Map<string, UpstreamPlan>();
  readonly #named: ReadonlyMap<string, UpstreamConfig>;

  constructor({ upstreams }: Config, readonly files: NamedFiles) {
    this.#named = new Map(upstreams.map(({ key, value }) => [key, value]));
  }

  /**
   * The upstream of a `proxy_pass`: one of `upstreams`, or the address in it.
   * Locations that speak TLS otherwise have one of their own.
   */
  get(pass: ProxyPass, settings: Settings): UpstreamPlan {
    const tls = pass.scheme === "https"
      ? upstreamTls(settings, this.files)
      : null;
    const name = proxyHost(pass);
    const mayBeNamed = "hostname" in pass.to && pass.to.port === null;
    const named = mayBeNamed ? this.#named.get(name) : undefined;
    if (named !== undefined) {
      return this.#once(
        `upstream ${name}`,
        name,
        pass.scheme,
        tls,
        () => named,
      );
    }
    const address = inlineAddress(pass, []);
    return this.#once(
      address.name,
      name,
      pass.scheme,
      tls,
      () => plainUpstream(address),
    );
  }

  /** One plan for each upstream and scheme. */
  #once(
    identity: string,
    name: string,
    scheme: UpstreamPlan["scheme"],
    tls: UpstreamTls | null,
    make: () => UpstreamConfig,
  ): UpstreamPlan {
    const key = JSON.stringify([scheme, identity, tls]);
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      plan = { name, scheme, tls, ...make() };
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
  /** The config's file, or what stands for it. */
  readonly source: string;
  readonly settings: Settings;
  readonly upstreams: Upstreams;
  readonly access: AccessBuilder;
}

/** @param path Where the server stands in the config. */
function buildServer(server: ServerConfig, path: Path, top: Top): ServerPlan {
  const { access } = top;
  access.visit(server, path);
  const serverSettings = inheritSettings(server, top.settings);
  const locations = (server.locations ?? []).map(({ written, key, value }) => {
    access.visit(value, [...path, "locations", written]);
    const settings = inheritSettings(value, serverSettings);
    const content = contentOf(value, server, top, settings) ??
      staticContent(value, key, { server, path, written, ...top });
    const proxies = content.kind === "proxy";
    // nginx runs `return` (rewrite phase) before its access phases.
    const returns = content.kind === "return" || content.kind === "redirect";
    const plan: LocationPlan = {
      key: written,
      prefix: key.kind === "regex" ? "" : key.path,
      internal: value.internal,
      rewrite: value.rewrite ?? null,
      captures: capturedKey(key, value.return),
      access: returns ? [] : access.accessOf(value, settings),
      content,
      ...answerPlan(settings),
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
    strictTransportSecurity: ownOrAbove(
      server.strict_transport_security,
      top.config.strict_transport_security,
    ),
    redirectsToHttps: false,
    rewrite: serverRewrite(server, serverSettings),
    ...answerPlan(serverSettings),
  };
}

/** Null for a location that answers with files. */
function contentOf(
  location: LocationConfig,
  server: ServerConfig,
  { config, upstreams }: Top,
  settings: Settings,
): ContentPlan | null {
  const { proxy_pass } = location;
  if (location.return !== undefined) {
    return returnPlan(location.return, settings);
  }
  if (proxy_pass === undefined) {
    // One that only rewrites has nothing else to answer with.
    const hasFolder = [location.alias, location.root, server.root, config.root]
      .some((folder) => typeof folder === "string");
    return hasFolder ? null : NOT_FOUND;
  }
  // As in nginx, a level that sets a header itself inherits none.
  const set = [location, server, config]
    .map((level) => level.proxy_set_header)
    .find((set) => set !== undefined && set.headers.length > 0);
  return {
    kind: "proxy",
    upstream: upstreams.get(proxy_pass, settings),
    passUri: proxy_pass.uri,
    proxyPass: proxy_pass.written,
    setHeaders: set?.headers ?? [],
    setHeaderNames: set?.names ?? new Set(),
    responseRules: responseRules(settings),
  };
}
