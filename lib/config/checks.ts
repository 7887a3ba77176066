/**
 * The checks that concern several places of the config at once. They see it as
 * far as it could be read, so they find what is wrong between its parts even
 * where something else is wrong too.
 *
 * @module
 */
import { checkAdmin, type ReadAdmin } from "./admin_checks.ts";
import { checkAnswers, type ReadAnswers } from "./answer_checks.ts";
import {
  checkAccess,
  type ReadAccess,
  type Surroundings,
} from "./access_checks.ts";
import { BAD_PORTS, listenKey, type UpstreamAddress } from "./address.ts";
import type { Path, Report } from "./config_error.ts";
import { checkContent } from "./content_checks.ts";
import type { Listen } from "./directives/listen.ts";
import type { HttpsRedirect } from "./directives/ssl.ts";
import { inlineAddress, type ProxyPass } from "./directives/proxy_pass.ts";
import type { LocationKey } from "../route/location.ts";
import { regexRisk } from "../route/regex.ts";
import type { NamedFiles } from "./named_files.ts";
import { attempt } from "./schema_parts.ts";
import { checkUpstreamTls, type ReadUpstreamTls } from "./upstream_tls.ts";
import { formatTime } from "./units.ts";
import { quote } from "./words.ts";

/** What the checks read of a server; what was refused is undefined. */
interface ReadServer extends ReadAccess, ReadAnswers, ReadUpstreamTls {
  readonly root?: string | null | undefined;
  listen?: readonly (Listen | undefined)[] | undefined;
  readonly server_name?: readonly (string | undefined)[] | undefined;
  readonly redirect_to_https?: HttpsRedirect | null | undefined;
  readonly locations?: readonly ReadLocation[] | undefined;
}

interface ReadLocation {
  readonly written: string;
  readonly key: LocationKey | undefined;
  readonly value:
    | (ReadAccess & ReadAnswers & ReadUpstreamTls & {
      readonly proxy_pass?: ProxyPass | undefined;
    })
    | undefined;
}

interface ReadUpstream {
  readonly client?: string | undefined;
  readonly servers?:
    | readonly ({ readonly address?: UpstreamAddress } | undefined)[]
    | undefined;
}

/** What the checks read of a config; what was refused is undefined. */
export interface ReadConfig extends ReadServer, ReadAdmin {
  readonly servers?: readonly (ReadServer | undefined)[] | undefined;
  readonly upstreams?: readonly {
    readonly key: string | undefined;
    readonly value: ReadUpstream | undefined;
  }[];
  readonly limit_req_zone?: readonly { readonly key: string | undefined }[];
  readonly shutdown_timeout?: number | undefined;
  readonly websocket_drain?: number | undefined;
}

/**
 * Reports what is wrong between the parts of a config.
 *
 * @param document What the config was read from: it tells which directives are
 * there, refused or not.
 * @param around The config's name, and how the files that it names are read.
 * @param warn Takes what can be used, but should be looked at.
 */
export function checkConfig(
  config: ReadConfig,
  document: Readonly<Record<string, unknown>>,
  around: Surroundings & { readonly files: NamedFiles },
  report: Report,
  warn: Report,
): void {
  const servers = serversOf(config, document, report);
  const upstreams = new Map(
    config.upstreams?.map(({ key, value }) => [key ?? "", value]),
  );
  for (const { path, server } of servers) {
    const at = [...path, "locations"];
    const hasRoot = [server, config]
      .some((level) => Object.hasOwn(level, "root"));
    checkLocations(server.locations, at, upstreams, report, hasRoot);
    checkRegexes(server.locations, at, warn);
  }
  checkAnswers(config, servers, report, warn);
  checkUpstreamTls(config, servers, around.files, report);
  checkAccess(config, servers, around, report);
  checkListens(servers, config.redirect_to_https, report);
  const listens = servers.flatMap(({ server }) => server.listen ?? []);
  checkAdmin(config, listens, report);
  checkShutdown(config, report);
}

const NO_LOCATIONS = `"locations" is missing: it says which paths go where`;

/** What nothing inherits from the top level. */
const OF_SERVERS = [
  "listen",
  "server_name",
  "locations",
  "rewrite",
  "return",
];

interface PlacedServer {
  readonly path: Path;
  /** In words. */
  readonly place: string;
  readonly server: ReadServer;
}

/** The servers: those of `servers`, or the config itself. */
function serversOf(
  config: ReadConfig,
  document: Readonly<Record<string, unknown>>,
  report: Report,
): PlacedServer[] {
  const isThere = (key: string) => document[key] !== undefined;
  if (!isThere("servers")) {
    // The names of nginx's blocks have a hint of their own.
    if (!["locations", "location", "server", "return"].some(isThere)) {
      report([], NO_LOCATIONS);
    }
    return [{ path: [], place: "this server", server: config }];
  }
  for (const key of OF_SERVERS.filter(isThere)) {
    report([key], `with "servers", this belongs in each of them`);
  }
  for (const [i, server] of (config.servers ?? []).entries()) {
    const hasContent = server === undefined ||
      Object.hasOwn(server, "locations") || Object.hasOwn(server, "return");
    if (!hasContent) report(["servers", i], NO_LOCATIONS);
  }
  return (config.servers ?? []).flatMap((server, i) =>
    server === undefined
      ? []
      : [{ path: ["servers", i], place: `servers[${i}]`, server }]
  );
}

function checkLocations(
  locations: ReadServer["locations"],
  path: Path,
  upstreams: ReadonlyMap<string, ReadUpstream | undefined>,
  report: Report,
  hasRoot: boolean,
): void {
  if (locations?.length === 0) {
    report(path, "at least one location is needed");
  }
  for (const { written, key, value } of locations ?? []) {
    if (value === undefined) continue;
    checkContent(value, key, [...path, written], report, hasRoot);
    const pass = value.proxy_pass;
    if (pass === undefined) continue;
    const at = [...path, written, "proxy_pass"];
    if (key?.kind === "regex" && pass.uri !== null) {
      report(
        at,
        `a location with a regular expression has no prefix that ` +
          `${quote(pass.uri)} could replace (write it without a path)`,
      );
    }
    const name = "path" in pass.to || pass.to.port !== null
      ? null
      : pass.to.hostname;
    if (name !== null && upstreams.has(name)) {
      const upstream = upstreams.get(name);
      if (pass.scheme !== "https" && upstream?.client !== "fetch") continue;
      const addresses = upstream?.servers?.map((server) => server?.address);
      checkPorts(addresses ?? [], at, report);
    } else {
      const address = attempt(
        () => inlineAddress(pass, upstreams.keys()),
        (message) => void report(at, message),
      );
      if (pass.scheme === "https") checkPorts([address], at, report);
    }
  }
}

/** Warns of regular expressions that can be slow. */
function checkRegexes(
  locations: ReadServer["locations"],
  path: Path,
  warn: Report,
): void {
  for (const { written, key } of locations ?? []) {
    if (key?.kind !== "regex") continue;
    const risk = regexRisk(key.source, key.ignoreCase);
    if (risk !== null) warn([...path, written], risk);
  }
}

/** `fetch` connects to some ports never. */
function checkPorts(
  addresses: readonly (UpstreamAddress | void)[],
  path: Path,
  report: Report,
): void {
  for (const address of addresses) {
    if (address?.transport !== "tcp" || !BAD_PORTS.has(address.port)) continue;
    report(
      path,
      `port ${address.port} can't be used with https:// or client: fetch: it ` +
        `is on the list of blocked ports of the fetch standard`,
    );
  }
}

/** One server of a name on each address, and no address twice in a server. */
function checkListens(
  servers: readonly PlacedServer[],
  redirectOfTop: ReadServer["redirect_to_https"],
  report: Report,
): void {
  const taken = new Map<string, string>();
  for (const { path, place, server } of servers) {
    const own = new Set<string>();
    const redirect = server.redirect_to_https === undefined
      ? redirectOfTop
      : server.redirect_to_https;
    const listens = [
      ...(server.listen ?? []).map((listen, i) => ({
        listen,
        at: ["listen", i],
      })),
      { listen: redirect?.listen, at: ["redirect_to_https"] },
    ];
    for (const { listen, at } of listens) {
      if (listen === undefined) continue;
      const address = listenKey(listen.address);
      if (own.has(address)) {
        report([...path, ...at], "the same address is listed twice");
        continue;
      }
      own.add(address);
      for (const [j, name] of (server.server_name ?? []).entries()) {
        const taker = name === undefined
          ? undefined
          : takeName(name, address, place, taken);
        if (taker !== undefined) {
          const { before, form } = taker;
          report(
            [...path, "server_name", j],
            form === ""
              ? `${before} has no name on ${listen.written} either: this one ` +
                `would never be reached`
              : `${before} has the name ${quote(form)} on ${listen.written} ` +
                `already`,
          );
        }
      }
    }
  }
}

/**
 * Takes a name for a server on an address.
 *
 * @returns Who has one of its forms already.
 */
function takeName(
  name: string,
  address: string,
  place: string,
  taken: Map<string, string>,
): { before: string; form: string } | undefined {
  // `.example.com` is two.
  const forms = name.startsWith(".") ? [name.slice(1), `*${name}`] : [name];
  for (const form of forms) {
    const key = `${address} ${form}`;
    const before = taken.get(key);
    if (before !== undefined) return { before, form };
    taken.set(key, place);
  }
}

function checkShutdown(config: ReadConfig, report: Report): void {
  const { websocket_drain: drain, shutdown_timeout: timeout } = config;
  if (drain === undefined || timeout === undefined || drain === 0) return;
  if (drain >= timeout) {
    report(
      ["websocket_drain"],
      `must be less than shutdown_timeout (${formatTime(timeout)})`,
    );
  }
}
