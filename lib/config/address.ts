/**
 * Addresses: where to listen, and where an upstream's servers are.
 *
 * @module
 */
import { hasControls, plainText } from "./plain_text.ts";
import { expected, quote, ValueError } from "./words.ts";

/** Where a listener binds. */
export type ListenAddress =
  | { transport: "tcp"; hostname: string; port: number }
  | { transport: "unix"; path: string };

/** One address of an upstream. `name` is how the config writes it (`backend:8000`). `hostname` has no brackets. */
export type UpstreamAddress =
  | { transport: "tcp"; hostname: string; port: number; name: string }
  | { transport: "unix"; path: string; name: string };

/** A host and, if one is written, a port. */
export interface Authority {
  /** In lower case; an IPv6 address in its shortest form, without brackets. */
  hostname: string;
  port: number | null;
}

/** For editors: what {@link parseListen} takes, roughly. */
export const LISTEN_PATTERN = "^(\\d+|(.*:)\\d+|unix:/.+)( ssl)?$";

/**
 * Reads the address of a `listen`: `9000`, `127.0.0.1:9000`, `[::]:9000`, `*:9000`,
 * `unix:/run/x.sock`. A port alone is one of all IPv4 addresses, as in nginx;
 * port 0 is any free one.
 *
 * @throws {ValueError} If it is none of these.
 */
export function parseListen(value: string | number): ListenAddress {
  if (typeof value === "number") return listenTcp("0.0.0.0", value);
  const text = plainText(value);
  if (text.startsWith("unix:")) {
    return { transport: "unix", path: unixPath(text) };
  }
  if (/^\d+$/.test(text)) return listenTcp("0.0.0.0", Number(text));
  const [word = "", ...parameters] = text.trim().split(/\s+/);
  if (parameters.length > 0) {
    throw new ValueError(
      `${quote(parameters.join(" "))}: the only parameter of listen is ssl` +
        (LISTEN_HINTS.get(parameters[0] ?? "") ?? ""),
    );
  }
  if (/^[a-z]+:\/\//i.test(word)) {
    throw new ValueError(expected(`a port or "host:port"`, value));
  }
  const { hostname, port } = parseAuthority(
    word.replace(/^\*?(?=:[^:]*$)/, "0.0.0.0"),
  );
  if (port === null) {
    throw new ValueError(`${quote(text)} has no port (write "${word}:9000")`);
  }
  return listenTcp(hostname, port);
}

const LISTEN_HINTS: ReadonlyMap<string, string> = new Map([
  ["http2", " (HTTP/2 is offered wherever there is TLS)"],
  ["default_server", " (the first server of a listen is its default)"],
]);

function listenTcp(hostname: string, port: number): ListenAddress {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new ValueError(`the port must be 0 to 65535, got ${port}`);
  }
  return { transport: "tcp", hostname, port };
}

/**
 * The identity of an address to listen on: equal for all ways to write it, and
 * the same before and after a reload. A TCP address ends with its port.
 */
export function listenKey(address: ListenAddress): string {
  return address.transport === "unix"
    ? `unix:${address.path}`
    : `${bracketed(address.hostname)}:${address.port}`;
}

/** A host as it stands in an authority: an IPv6 address in brackets. */
export function bracketed(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

/** For editors: what {@link parseUpstreamAddress} takes, roughly. */
export const UPSTREAM_PATTERN = "^(.+:\\d+|unix:/.+)$";

/**
 * Reads the address of an upstream's server: `host:port`, `[::1]:8000`,
 * `unix:/run/x.sock`.
 *
 * @throws {ValueError} If it is none.
 */
export function parseUpstreamAddress(value: string): UpstreamAddress {
  const text = plainText(value);
  if (text.startsWith("unix:")) {
    return { transport: "unix", path: unixPath(text), name: text };
  }
  const [, scheme, rest] = text.includes("://")
    ? /^([a-z]+:\/\/)([^/]*)/i.exec(text) ?? []
    : [];
  if (scheme !== undefined && rest !== undefined) {
    throw new ValueError(
      `${quote(scheme)} belongs in proxy_pass (write ${quote(rest)})`,
    );
  }
  if (/\s/.test(text)) {
    throw new ValueError(`expected "host:port" alone, got ${quote(text)}`);
  }
  const { hostname, port } = parseAuthority(text);
  if (port === null) {
    throw new ValueError(`${quote(text)} has no port (write "${text}:80")`);
  }
  return tcpUpstream(hostname, port, text);
}

/** The ports that `fetch` refuses, port 0 aside (https://fetch.spec.whatwg.org/#port-blocking). */
// deno-fmt-ignore
export const BAD_PORTS: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77,
  79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123,
  135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530,
  531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719,
  1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666,
  6667, 6668, 6669, 6679, 6697, 10080,
]);

/** @throws {ValueError} For port 0, which nobody can connect to. */
export function tcpUpstream(
  hostname: string,
  port: number,
  name: string,
): UpstreamAddress {
  if (port === 0) throw new ValueError("nothing can listen on port 0");
  return { transport: "tcp", hostname, port, name };
}

/** The path in `unix:/path`. */
export function unixPath(text: string): string {
  const path = text.slice("unix:".length);
  if (!path.startsWith("/") || path.includes(";") || hasControls(path)) {
    throw new ValueError(expected("unix: and an absolute path", text));
  }
  return path;
}

/**
 * Reads `host`, `host:port`, `[::1]:port`.
 *
 * @throws {ValueError} If it is none.
 */
export function parseAuthority(text: string): Authority {
  const [, host = "", digits] = /^(\[[^\]]*\]|[^\[\]:]*)(?::([^:]*))?$/
    .exec(text) ?? [];
  if (host === "") {
    const hint = /:.*:/.test(text) && !text.includes("[")
      ? " (write an IPv6 address in brackets: [::1]:8000)"
      : "";
    throw new ValueError(expected(`"host:port"`, text) + hint);
  }
  const hostname = parseHost(host);
  if (digits === undefined) return { hostname, port: null };
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : NaN;
  if (!(port <= 65535)) {
    throw new ValueError(`the port must be 0 to 65535, got ${quote(digits)}`);
  }
  return { hostname, port };
}

/** The platform's spelling of a host. It may mend an IPv6 address, nothing else. */
function parseHost(host: string): string {
  const name = host.toLowerCase();
  const parsed = URL.parse(`http://${name}/`)?.hostname;
  if (parsed !== undefined) {
    if (name.startsWith("[")) return parsed.slice(1, -1);
    // It takes `1.2.3` and `0x7f.1` for addresses, which nobody means.
    if (parsed === name) return name;
  }
  const ascii = /[^\x21-\x7e]/.test(name) && parsed
    ? ` (write ${quote(parsed)})`
    : "";
  throw new ValueError(`${quote(host)} is not a host name or address${ascii}`);
}
