/**
 * The header fields of a request: gone through once, and what goes upstream.
 *
 * @module
 */
import type { ProxyPlan } from "../config/plan.ts";
import { hasToken, HOP_BY_HOP, namedInConnection } from "./headers.ts";
import type { Context } from "./exchange.ts";

/** The names that are more than passed on. */
const NAMES = [
  "connection",
  "content-length",
  "host",
  "referer",
  "te",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "x-forwarded-for",
  "x-request-id",
] as const;

/** Deno answers `Expect` itself. */
const DROPPED = [...HOP_BY_HOP, "expect"];

/**
 * What to do with a field, by its name; most are not here. One look-up in place
 * of a dozen comparisons, for each of some 20 fields.
 */
const HANDLING: ReadonlyMap<string, typeof NAMES[number] | "dropped"> = new Map(
  [
    ...DROPPED.map((name) => [name, "dropped"] as const),
    ...NAMES.map((name) => [name, name] as const),
  ],
);

// The same for all requests; a literal would be a new array for each.
const IDENTITY: [string, string] = ["accept-encoding", "identity"];
const TRAILERS: [string, string] = ["te", "trailers"];
const ANY_TYPE: [string, string] = ["accept", "*/*"];
const ANY_LANGUAGE: [string, string] = ["accept-language", "*"];
const NO_AGENT: [string, string] = ["user-agent", ""];

/**
 * A request's fields, and those that the proxy itself asks for. One walk over
 * them costs as much as three `Headers.get`, of which there would be ten.
 */
export class RequestFields {
  host: string | null = null;
  connection: string | null = null;
  contentLength: string | null = null;
  transferEncoding: string | null = null;
  upgrade: string | null = null;
  te: string | null = null;
  requestId: string | null = null;
  referer: string | null = null;
  forwardedFor: string | null = null;
  userAgent: string | null = null;
  /** Those that may go on, names in lower case, but for what a location or `Connection` says. */
  readonly onward: [name: string, value: string][] = [];

  constructor(headers: Headers) {
    headers.forEach((value, name) => this.#take(name, value));
  }

  #take(name: string, value: string): void {
    switch (HANDLING.get(name)) {
      case undefined:
        // nginx's underscores_in_headers off: to a CGI or WSGI application
        // X_Forwarded_For is the same variable as X-Forwarded-For.
        if (name.includes("_")) return;
        break;
      case "dropped":
        return;
      case "connection":
        this.connection = value;
        return;
      case "host":
        this.host = value;
        return;
      case "te":
        this.te = value;
        return;
      case "transfer-encoding":
        this.transferEncoding = value;
        return;
      case "upgrade":
        this.upgrade = value;
        return;
      case "x-request-id":
        this.requestId = value;
        return;
      case "content-length":
        this.contentLength = value;
        break;
      case "referer":
        this.referer = value;
        break;
      case "user-agent":
        this.userAgent = value;
        break;
      case "x-forwarded-for":
        this.forwardedFor = value;
        break;
    }
    this.onward.push([name, value]);
  }
}

/** The headers to send: the client's, less what stays here, and the location's own. */
export function requestHeaders(
  fields: RequestFields,
  context: Context,
  content: ProxyPlan,
  websocket: boolean,
  hasBody: boolean,
): [string, string][] {
  const { connection, onward, te } = fields;
  const named = namedInConnection(connection);
  const own = content.setHeaderNames;
  const sent: [string, string][] = [];
  // `fetch` decodes a compressed body, and so breaks it, unless the first
  // Accept-Encoding is exactly this; the client's own goes as a second one.
  if (!websocket) sent.push(IDENTITY);
  for (const { name, value } of content.setHeaders) {
    const rendered = value(context);
    if (rendered !== "") sent.push([name, rendered]);
    else if (name === "host") sent.push([name, context.proxyHost]);
  }
  // nginx's default where proxy_set_header says nothing of it.
  if (!own.has("host")) sent.push(["host", context.proxyHost]);
  if (!own.has("x-request-id")) sent.push(["x-request-id", context.requestId]);
  for (const field of onward) {
    const name = field[0];
    if (
      own.has(name) || named?.has(name) ||
      (websocket && name.startsWith("sec-websocket-")) ||
      (name === "content-length" && !hasBody && field[1] !== "0")
    ) continue;
    sent.push(field);
  }
  if (websocket) return sent;
  if (te !== null && hasToken(te, "trailers")) sent.push(TRAILERS);
  addMissing(sent);
  return sent;
}

/**
 * `fetch` adds these by itself where they are missing. The first two say the
 * same as nothing (RFC 9110 sections 12.5.1 and 12.5.4); an empty User-Agent is
 * as near as it lets us come to sending none.
 */
function addMissing(sent: [string, string][]): void {
  if (!has(sent, "accept")) sent.push(ANY_TYPE);
  if (!has(sent, "accept-language")) sent.push(ANY_LANGUAGE);
  if (!has(sent, "user-agent")) sent.push(NO_AGENT);
}

function has(fields: readonly [string, string][], name: string): boolean {
  for (const field of fields) if (field[0] === name) return true;
  return false;
}
