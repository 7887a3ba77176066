/**
 * Origins of web pages (RFC 6454).
 *
 * @module
 */
import { parseHost } from "./host.ts";

/** An origin with a host. */
export interface Origin {
  /** In lower case: `https`. */
  readonly scheme: string;
  /** In lower case, without port; an IPv6 address in its brackets. */
  readonly host: string;
  /** The scheme's default where none is written; `""` where it has none. */
  readonly port: string;
}

/** The ports that an origin's text omits (RFC 6454 section 6.2). */
const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ["http", "80"],
  ["https", "443"],
]);

/**
 * Reads `https://example.com:8443`, the value of an `Origin` field.
 *
 * @returns Null for `null` and for what is malformed, a path included.
 */
export function parseOrigin(text: string): Origin | null {
  const [, scheme = "", authority = ""] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?#\s]+)$/i.exec(text) ?? [];
  const host = parseHost(authority);
  if (host === null) return null;
  const lower = scheme.toLowerCase();
  return {
    scheme: lower,
    host: host.host,
    port: host.port || (DEFAULT_PORTS.get(lower) ?? ""),
  };
}
