/**
 * From a config to the plan: what locations inherit is handed down, names are
 * looked up, and the tables that requests walk are made.
 *
 * @module
 */
import { compileLocations } from "../route/location.ts";
import type { NetworkSet } from "../route/network.ts";
import { acmeOf, challengeFolder } from "./acme.ts";
import { AccessBuilder } from "./build_access.ts";
import { Upstreams } from "./build_upstreams.ts";
import { buildListeners, type PlacedServer } from "./build_listeners.ts";
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
import { redirectServer } from "./https_redirect.ts";
import type {
  AcmePlan,
  Certificate,
  ContentPlan,
  LocationPlan,
  Plan,
  ServerPlan,
} from "./plan.ts";
import type { NamedFiles } from "./named_files.ts";
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

/** What was read besides the config itself. */
export interface PlanParts {
  /** The file's name, or what stands for it in messages. */
  readonly source: string;
  readonly certificates: Certificates;
  /** The files that it names. */
  readonly files: NamedFiles;
}

/** Builds the plan of a config that has been checked. */
export function buildPlan(
  config: Config,
  { source, certificates, files }: PlanParts,
  overrides: PlanOverrides,
): Omit<Plan, "warnings" | "certificateDoubts"> {
  const upstreams = new Upstreams(config, files);
  const access = new AccessBuilder(config, source);
  const settings = topSettings(config);
  const top = { config, source, upstreams, access, settings };
  // The top level has all the directives of a server.
  const servers = (config.servers ?? [config]).flatMap((server, i) => {
    const path = config.servers === undefined ? [] : ["servers", i];
    return placedServers(server, path, top, certificates);
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

/** A server of the config, and the one that only redirects to it. */
function placedServers(
  config: ServerConfig,
  path: Path,
  top: Top,
  certificates: Certificates,
): PlacedServer[] {
  const { listen, server_name: names } = config;
  const hasSsl = listen.some(({ ssl }) => ssl);
  const acme = hasSsl
    ? acmeOf(config, top.config, (file) => certificates.path(file))
    : null;
  const certificate = hasSsl
    ? certificateOf(config, acme, top.config, certificates)
    : null;
  const server = buildServer(config, path, top);
  const redirect = ownOrAbove(
    config.redirect_to_https,
    top.config.redirect_to_https,
  );
  const placed = [{ server, names, listen, certificate, acme }];
  if (redirect !== null) {
    placed.push({
      server: redirectServer(
        server.name,
        redirect,
        listen,
        top.settings,
        acme === null ? null : challengeFolder(acme.stateDir),
      ),
      names,
      listen: [redirect.listen],
      certificate: null,
      acme: null,
    });
  }
  return placed;
}

/** What a server says, else the top level; null is off. */
function ownOrAbove<T>(
  own: T | null | undefined,
  above: T | null | undefined,
): T | null {
  return (own === undefined ? above : own) ?? null;
}

function certificateOf(
  server: ServerConfig,
  acme: AcmePlan | null,
  top: Config,
  certificates: Certificates,
): Certificate {
  const written = server.ssl_certificate ?? top.ssl_certificate;
  const { certificate } = certificates.read(
    acme === null
      ? {
        certificate: typeof written === "string" ? written : "",
        key: server.ssl_certificate_key ?? top.ssl_certificate_key ?? "",
        managed: false,
      }
      : { certificate: acme.file, key: acme.file, managed: true },
  );
  if (certificate === null) throw new Error("ssl without a certificate");
  return certificate;
}
