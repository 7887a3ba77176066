/**
 * What `run` says when it has started.
 *
 * @module
 */
import type { LocationPlan, Plan, ServerPlan } from "../config/plan.ts";
import { columns, type Style } from "./terminal.ts";
import { VERSION } from "./version.ts";

/**
 * The addresses to open, and a line for each location with its upstream.
 *
 * @param from Where the plan is from: `config.yaml`.
 * @param addresses Where it listens.
 */
export function startupBlock(
  plan: Plan,
  from: string,
  addresses: readonly { written: string; url: string }[],
  style: Style,
): string {
  const links = addresses.map(({ url }) => `  ${style.link(url)}\n`);
  const servers = new Set(
    plan.listeners.flatMap((listener) => listener.servers.servers),
  );
  const blocks = [...servers].map((server) =>
    serverBlock(server, servers.size > 1, style)
  );
  return [
    `${style.strong("sameorigin")} ${VERSION}, ${from}\n`,
    links.join(""),
    ...blocks,
  ].join("\n") + "\n";
}

function serverBlock(server: ServerPlan, named: boolean, style: Style): string {
  const rows = server.locations.entries.map(({ value }) => row(value));
  const title = named ? `  ${server.name || "(no server_name)"}\n` : "";
  const lines = rows.length === 0
    ? "  no locations: every request is answered with 404\n"
    : columns(rows, [style.strong, same, style.faint]);
  return title + lines;
}

/** The third cell only where `proxy_pass` does not already say it. */
function row({ key, content }: LocationPlan): string[] {
  if (content.kind !== "proxy") return [key, content.kind];
  const { proxyPass, upstream } = content;
  const addresses = upstream.servers.map(({ address }) => address.name).join(
    ", ",
  );
  return upstream.name === addresses
    ? [key, proxyPass]
    : [key, proxyPass, addresses];
}

function same(word: string): string {
  return word;
}
