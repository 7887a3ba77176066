/**
 * `proxy_set_header`: the headers that an upstream gets.
 *
 * @module
 */
import type { HeaderTemplate } from "./plan.ts";
import { compileTemplate } from "./template.ts";
import { quote, ValueError } from "./words.ts";

/** For editors: a token (RFC 9110 section 5.6.2). */
export const HEADER_NAME_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

const TOKEN = new RegExp(HEADER_NAME_PATTERN);

/**
 * @throws {ValueError} If this is no header name (RFC 9110 section 5.1), or one
 * that is not for a config to set.
 */
export function checkHeaderName(name: string): void {
  if (!TOKEN.test(name)) {
    const hint = /^\S+:$/.test(name) ? " (without the colon)" : "";
    throw new ValueError(`${quote(name)} is no header name${hint}`);
  }
  const lower = name.toLowerCase();
  const reason = lower.startsWith("sec-websocket-")
    ? WEBSOCKET
    : OWN.get(lower);
  if (reason !== undefined) {
    throw new ValueError(`${name} can't be set: ${reason}`);
  }
}

const WEBSOCKET = "a WebSocket is bridged wherever one is asked for";
const CONNECTION = "it belongs to the connection, which the proxy makes itself";
const FRAMING = "the proxy sends a body with the framing that it came in";

/** Headers of one connection or message (RFC 9110 section 7.6.1), and why they are the proxy's. */
const OWN: ReadonlyMap<string, string> = new Map([
  ["connection", WEBSOCKET],
  ["upgrade", WEBSOCKET],
  ["keep-alive", CONNECTION],
  ["proxy-connection", CONNECTION],
  ["te", CONNECTION],
  ["trailer", FRAMING],
  ["transfer-encoding", FRAMING],
  ["content-length", FRAMING],
  ["expect", "the proxy answers it before it sends the body"],
]);

/** The headers of one `proxy_set_header`. */
export interface HeaderSet {
  readonly headers: HeaderTemplate[];
  /** Their names, in lower case. */
  readonly names: ReadonlySet<string>;
}

/** Compiles a `proxy_set_header` whose names and values have been checked. */
export function headerSet(values: Readonly<Record<string, string>>): HeaderSet {
  const headers = Object.entries(values).map(([name, value]) => ({
    name: name.toLowerCase(),
    value: compileTemplate(value),
  }));
  return { headers, names: new Set(headers.map(({ name }) => name)) };
}

/** The names that are there twice, but for their case. */
export function repeatedNames(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.filter((name) => {
    const lower = name.toLowerCase();
    return seen.has(lower) || !seen.add(lower);
  });
}

/** @throws {ValueError} If the value is empty: HTTP/1.1 has no request without a host. */
export function checkHeaderValue(name: string, value: string): void {
  if (name.toLowerCase() === "host" && value === "") {
    throw new ValueError("a request needs a Host (RFC 9110 section 7.2)");
  }
}
