/**
 * The checks that concern several places of the document at once. They see it
 * as it was written, so they find what is wrong even where the schema has found
 * something too; what they can't read, the schema has reported.
 *
 * @module
 */
import { listenKey, parseListen } from "./address.ts";
import type { Path, Report } from "./config_error.ts";
import { parseLocationKey } from "./location_key.ts";
import { inlineAddress, parseProxyPass } from "./proxy_pass.ts";
import { parseServerName } from "./server_name.ts";
import { repeatedNames } from "./set_header.ts";
import { parseTime } from "./units.ts";
import { quote, ValueError } from "./words.ts";

type Block = Readonly<Record<string, unknown>>;

/** Reports what is wrong between the parts of a document. */
export function checkDocument(document: unknown, report: Report): void {
  if (!isBlock(document)) return;
  const servers = serversOf(document, report);
  const upstreams = upstreamNames(document["upstreams"], report);
  for (const { path, server } of servers) {
    checkLocations(
      server["locations"],
      [...path, "locations"],
      upstreams,
      report,
    );
  }
  checkListens(servers, report);
  checkShutdown(document, report);
}

/** In lower case. */
function upstreamNames(upstreams: unknown, report: Report): string[] {
  if (!isBlock(upstreams)) return [];
  const names = Object.keys(upstreams);
  for (const name of repeatedNames(names)) {
    report(
      ["upstreams", name],
      "this name is taken above, with other capital letters",
    );
  }
  return names.map((name) => name.toLowerCase());
}

interface PlacedServer {
  path: Path;
  server: Block;
}

/** The servers: those of `servers`, or the document itself. */
function serversOf(document: Block, report: Report): PlacedServer[] {
  const servers = document["servers"];
  if (servers === undefined) {
    const meant = document["location"] ?? document["server"];
    if (document["locations"] === undefined && meant === undefined) {
      report([], `"locations" is missing: it says which paths go where`);
    }
    return [{ path: [], server: document }];
  }
  for (const key of ["listen", "server_name", "locations"]) {
    if (document[key] !== undefined) {
      report([key], `with "servers", this belongs into each of them`);
    }
  }
  return asList(servers).flatMap((server, i) =>
    isBlock(server) ? [{ path: ["servers", i], server }] : []
  );
}

function checkLocations(
  locations: unknown,
  path: Path,
  upstreams: readonly string[],
  report: Report,
): void {
  if (!isBlock(locations)) return;
  const entries = Object.entries(locations);
  if (entries.length === 0) report(path, "at least one location is needed");
  const seen = new Map<string, string>();
  for (const [written, value] of entries) {
    const key = attempt(() => parseLocationKey(written));
    if (key !== undefined) {
      // A prefix is one location, whether it goes before regular expressions or not.
      const identity = key.kind === "regex"
        ? `~ ${key.ignoreCase} ${key.source}`
        : `${key.kind === "exact" ? "=" : ""} ${key.path}`;
      const before = seen.get(identity);
      if (before !== undefined) {
        report([...path, written], `the same location as ${quote(before)}`);
      }
      seen.set(identity, written);
    }
    const inBlock = isBlock(value);
    const text = inBlock ? value["proxy_pass"] : value;
    if (typeof text !== "string") continue;
    const pass = attempt(() => parseProxyPass(text));
    if (pass === undefined) continue;
    const at = [...path, written, ...(inBlock ? ["proxy_pass"] : [])];
    if (key?.kind === "regex" && pass.uri !== null) {
      report(
        at,
        `a location with a regular expression has no prefix that ` +
          `${quote(pass.uri)} could replace (write it without a path)`,
      );
    }
    if (
      "path" in pass.to || pass.to.port !== null ||
      !upstreams.includes(pass.to.hostname)
    ) {
      attempt(
        () => inlineAddress(pass, upstreams),
        (message) => report(at, message),
      );
    }
  }
}

/** One server of a name on each address, and no address twice in a server. */
function checkListens(servers: readonly PlacedServer[], report: Report): void {
  const taken = new Map<string, string>();
  for (const { path, server } of servers) {
    const names = asList(server["server_name"] ?? []);
    const listens = asList(server["listen"] ?? 9000);
    const own = new Set<string>();
    for (const [i, listen] of listens.entries()) {
      if (typeof listen !== "number" && typeof listen !== "string") continue;
      const address = attempt(() => listenKey(parseListen(listen)));
      if (address === undefined) continue;
      if (own.has(address)) {
        report(
          itemPath(path, "listen", server, i),
          "the same address is listed twice",
        );
        continue;
      }
      own.add(address);
      const place = path.length === 0 ? "this server" : `servers[${path[1]}]`;
      for (const [j, name] of (names.length === 0 ? [""] : names).entries()) {
        for (const form of nameForms(name)) {
          const key = `${address} ${form}`;
          const before = taken.get(key);
          if (before === undefined) taken.set(key, place);
          else {
            report(
              server["server_name"] === undefined
                ? path
                : itemPath(path, "server_name", server, j),
              form === ""
                ? `${before} has no name on ${listen} either: this one would ` +
                  `never be reached`
                : `${before} has the name ${quote(form)} on ${listen} already`,
            );
            break;
          }
        }
      }
    }
  }
}

/** What a name stands for: `.example.com` is two. */
function nameForms(written: unknown): string[] {
  if (typeof written !== "string") return [];
  const name = attempt(() => parseServerName(written));
  if (name === undefined) return [];
  return name.startsWith(".") ? [name.slice(1), `*${name}`] : [name];
}

function checkShutdown(document: Block, report: Report): void {
  const drain = timeOf(document["websocket_drain"]);
  const timeout = timeOf(document["shutdown_timeout"] ?? "30s");
  if (drain === undefined || timeout === undefined || drain === 0) return;
  if (drain >= timeout) {
    report(
      ["websocket_drain"],
      `must be less than shutdown_timeout ` +
        `(${document["shutdown_timeout"] ?? "30s"})`,
    );
  }
}

function timeOf(value: unknown): number | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  return attempt(() => parseTime(value));
}

/** The path to an item of a directive that takes one or a list. */
function itemPath(path: Path, key: string, server: Block, index: number): Path {
  return Array.isArray(server[key]) ? [...path, key, index] : [...path, key];
}

/** The result of a parser; undefined where it refuses. */
function attempt<T>(
  parse: () => T,
  refused: (message: string) => void = () => {},
): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    refused(error.message);
    return undefined;
  }
}

function isBlock(value: unknown): value is Block {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
