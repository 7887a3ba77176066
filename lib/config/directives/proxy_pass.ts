/**
 * `proxy_pass`: where a location's requests go.
 *
 * @module
 */
import * as v from "valibot";
import {
  type Authority,
  bracketed,
  parseAuthority,
  tcpUpstream,
  unixPath,
  type UpstreamAddress,
} from "../address.ts";
import { didYouMean, expected, quote, ValueError } from "../words.ts";
import { hasControls, plainText } from "../plain_text.ts";
import { parsedBy, text } from "../schema_parts.ts";

/** A `proxy_pass`, read but not yet looked up among the upstreams. */
export interface ProxyPass {
  readonly written: string;
  readonly scheme: "http" | "https";
  /** A host that may name an upstream, or the path of a unix socket. */
  readonly to: Authority | { readonly path: string };
  /** What replaces the matched prefix, with its query, percent-encoded; null if no path is written. */
  readonly uri: string | null;
}

/** For editors: what {@link parseProxyPass} takes, roughly. */
const PROXY_PASS_PATTERN = "^[hH][tT][tT][pP][sS]?://.+$";

export const ProxyPassText = v.pipe(
  text("an address such as http://backend"),
  v.metadata({ pattern: PROXY_PASS_PATTERN }),
  parsedBy(parseProxyPass),
);

/**
 * Reads `http://backend`, `https://127.0.0.1:8000/path?query`,
 * `http://unix:/run/x.sock:/path` (nginx's `proxy_pass`, without variables).
 *
 * @throws {ValueError} If it is none of these.
 */
export function parseProxyPass(written: string): ProxyPass {
  if (written.startsWith("proxy_pass")) {
    const [, meant] = /^proxy_pass\s+([^\s;]+);?$/.exec(written) ?? [];
    if (meant !== undefined) {
      throw new ValueError(`write ${quote(meant)} alone, without "proxy_pass"`);
    }
  }
  const text = plainText(written);
  if (text.includes(" ") || hasControls(text)) {
    throw new ValueError(expected("an address such as http://backend", text));
  }
  const colon = text.indexOf("://");
  const lower = text.slice(0, Math.max(colon, 0)).toLowerCase();
  if (lower !== "http" && lower !== "https") {
    throw new ValueError(noScheme(text));
  }
  const rest = text.slice(colon + "://".length);
  if (rest.startsWith("unix:")) {
    const [socket = "", uri] = rest.slice("unix:".length).split(/:(.*)/s);
    const path = unixPath(`unix:${socket}`);
    return { written, scheme: lower, to: { path }, uri: parseUri(uri ?? "") };
  }
  const end = /[/?#]/.exec(rest)?.index ?? rest.length;
  const authority = rest.slice(0, end);
  if (authority.includes("@")) {
    throw new ValueError(
      "user names and passwords are not supported here (set the Authorization header with " +
        "proxy_set_header)",
    );
  }
  return {
    written,
    scheme: lower,
    to: parseAuthority(authority),
    uri: parseUri(rest.slice(end)),
  };
}

function noScheme(text: string): string {
  const scheme = /^(\w+):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === "ws" || scheme === "wss") {
    const http = text.replace(/^ws/i, "http");
    return `write ${quote(http)}: WebSockets are proxied without configuration`;
  }
  if (scheme !== undefined) {
    return expected("an address with http:// or https://", text);
  }
  const [, name, rest] =
    /^(https?)(?::?\/\/?|:(?!\d))([\w.[-].*)$/i.exec(text) ?? [];
  if (name !== undefined) {
    return `${quote(text)} has a misspelt scheme (write ${
      quote(`${name}://${rest}`)
    })`;
  }
  return `${quote(text)} has no scheme (write ${quote(`http://${text}`)})`;
}

/** The path and query of a `proxy_pass`; null if there is none. */
function parseUri(text: string): string | null {
  if (text === "") return null;
  if (!text.startsWith("/")) {
    throw new ValueError(
      `expected a path that starts with "/", got ${quote(text)}`,
    );
  }
  if (text.includes("#")) {
    throw new ValueError(`a "#" has no meaning here, got ${quote(text)}`);
  }
  return text.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

/** The `$proxy_host` of an address that is written in `proxy_pass` itself. */
export function proxyHost(pass: ProxyPass): string {
  // nginx's name for every unix socket.
  if ("path" in pass.to) return "localhost";
  const { port } = pass.to;
  const host = bracketed(pass.to.hostname);
  return port === null || port === defaultPort(pass) ? host : `${host}:${port}`;
}

/**
 * The address that is written in `proxy_pass` itself.
 *
 * @param upstreams The names of the upstreams, for the message.
 * @throws {ValueError} If it can only be meant for an upstream's name.
 */
export function inlineAddress(
  pass: ProxyPass,
  upstreams: Iterable<string>,
): UpstreamAddress {
  if ("path" in pass.to) {
    return {
      transport: "unix",
      path: pass.to.path,
      name: `unix:${pass.to.path}`,
    };
  }
  const { hostname, port } = pass.to;
  if (port === null && !/[.:]/.test(hostname) && hostname !== "localhost") {
    throw new ValueError(
      `no upstream is called ${quote(hostname)}` +
        (didYouMean(hostname, upstreams) ||
          ` (if it is a host, write its port: ${pass.scheme}://${hostname}:${
            defaultPort(pass)
          })`),
    );
  }
  const number = port ?? defaultPort(pass);
  return tcpUpstream(hostname, number, `${bracketed(hostname)}:${number}`);
}

function defaultPort(pass: ProxyPass): number {
  return pass.scheme === "https" ? 443 : 80;
}
