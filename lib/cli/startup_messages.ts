/**
 * The messages of `run` about its start: where it listens, or why it can't.
 *
 * @module
 */
import type {
  ListenAddress,
  ListenerPlan,
  LocationPlan,
  Plan,
  ServerPlan,
} from "../config/plan.ts";
import type { ListenError } from "../server/server.ts";
import { columns, type Style } from "./terminal.ts";
import { VERSION } from "./version.ts";

/**
 * The message after the start: the URLs to open, and a line for each location
 * with its upstream.
 *
 * @param from The plan's origin: `config.yaml`.
 * @param addresses The listeners.
 * @param admin The URL of the admin listener; null without one.
 */
export function startupBlock(
  plan: Plan,
  from: string,
  addresses: readonly { written: string; url: string }[],
  style: Style,
  admin: string | null = null,
): string {
  const redirecting = new Set(
    plan.listeners.filter(onlyRedirects).map(({ written }) => written),
  );
  const links = addresses.map(({ url, written }) => {
    const note = redirecting.has(written) ? "  redirects to https" : "";
    return `  ${style.link(url)}${style.faint(note)}\n`;
  });
  if (admin !== null) links.push(`  ${style.link(admin)}  (admin)\n`);
  const servers = serversOf(plan);
  const blocks = servers.map((server) =>
    serverBlock(server, servers.length > 1, style)
  );
  return [
    `${style.strong("sameorigin")} ${VERSION}, ${from}\n`,
    links.join(""),
    ...blocks,
  ].join("\n") + "\n";
}

/** The servers that the config describes, without those of `redirect_to_https`. */
export function serversOf({ listeners }: Plan): ServerPlan[] {
  const all = new Set(listeners.flatMap(({ servers }) => servers.servers));
  return [...all].filter((server) => !server.redirectsToHttps);
}

function onlyRedirects({ servers }: ListenerPlan): boolean {
  return servers.servers.every((server) => server.redirectsToHttps);
}

function serverBlock(server: ServerPlan, named: boolean, style: Style): string {
  const rows = server.locations.entries.map(({ value }) => row(value));
  const title = named ? `  ${server.name || "(no server_name)"}\n` : "";
  const lines = rows.length === 0
    ? "  no locations: every response is a 404\n"
    : columns(rows, [style.strong, same, style.faint]);
  return title + lines;
}

/** The third cell, the addresses, only where `proxy_pass` does not name them. */
function row({ key, content }: LocationPlan): string[] {
  if (content.kind === "acme_challenge") return [key, "answers challenges"];
  if (content.kind === "static") return [key, content.written];
  if (content.kind !== "proxy") return [key, `return ${content.status}`];
  const { upstream, proxyPass } = content;
  const addresses = upstream.servers.map(({ address }) => address.name)
    .join(", ");
  return upstream.name === addresses
    ? [key, proxyPass]
    : [key, proxyPass, addresses];
}

function same(word: string): string {
  return word;
}

/**
 * Why an address can't be listened on, and what to do about it, in one line.
 *
 * @param hasFile Whether there is a config file to change.
 */
export function listenFailure(
  error: ListenError,
  plan: Plan,
  hasFile: boolean,
): string {
  const address = plan.listeners
    .find((listener) => listener.written === error.address)?.address;
  if (address === undefined || address.transport === "unix") {
    return `cannot listen on ${error.address}: ${reason(error)}`;
  }
  const { hostname, port } = address;
  const other = (port: number) => {
    const option = `--listen ${sameHost(address, port)}`;
    return hasFile ? `${option}, or with listen: in the config` : option;
  };
  switch (error.kind) {
    case "in use":
      return `port ${port} is in use on ${hostname}: choose another with ` +
        other(port < 65535 ? port + 1 : 9000);
    case "own":
      return `cannot listen on ${error.address}: this proxy has port ${port} ` +
        "open on another address, so this change needs a restart";
    case "ssl":
      return `cannot change ssl of ${error.address} while it is in use: this ` +
        "change needs a restart";
    case "permission":
      return `not allowed to listen on port ${port} of ${hostname}: ` +
        (port < 1024
          ? "ports below 1024 need root; choose another with " + other(9000)
          : reason(error));
    case "unavailable":
      return `cannot listen on ${error.address}: ${reason(error)}; is ` +
        `${hostname} an address of this machine? Choose another with ` +
        (hasFile ? "--listen, or with listen: in the config" : "--listen");
  }
}

/** `9001`, or with the host where the config has one. */
function sameHost(
  { hostname }: ListenAddress & { transport: "tcp" },
  port: number,
): string {
  if (hostname === "0.0.0.0") return String(port);
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `"[${hostname}]:${port}"`
    : `${hostname}:${port}`;
}

function reason(error: ListenError): string {
  return error.cause instanceof Error ? error.cause.message : error.kind;
}
