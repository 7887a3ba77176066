/**
 * The header fields of a request: gone through once, and what goes upstream.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";
import { hasToken, HOP_BY_HOP, namedInConnection } from "../proxy/headers.ts";
import type { Context } from "./context.ts";

/** Dealt with here: Deno answers `Expect` itself, the others are replaced by ours. */
const STAYS_HERE: ReadonlySet<string> = new Set([
  "expect",
  "host",
  "x-request-id",
]);

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
  userAgent: string | null = null;
  /** Those that may go on, names in lower case, but for what a location or `Connection` says. */
  readonly onward: [name: string, value: string][] = [];

  constructor(headers: Headers) {
    headers.forEach((value, name) => this.#take(name, value));
  }

  #take(name: string, value: string): void {
    switch (name) {
      case "host":
        this.host = value;
        return;
      case "connection":
        this.connection = value;
        return;
      case "transfer-encoding":
        this.transferEncoding = value;
        return;
      case "upgrade":
        this.upgrade = value;
        return;
      case "te":
        this.te = value;
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
      default:
        if (
          HOP_BY_HOP.has(name) || STAYS_HERE.has(name) ||
          // nginx's underscores_in_headers off: to a CGI or WSGI application
          // X_Forwarded_For is the same variable as X-Forwarded-For.
          name.includes("_")
        ) return;
    }
    this.onward.push([name, value]);
  }
}

/** The headers to send: the client's, less what stays here, and the location's own. */
export function requestHeaders(
  fields: RequestFields,
  context: Context,
  location: LocationPlan,
  websocket: boolean,
  hasBody: boolean,
): [string, string][] {
  const { connection, onward, te } = fields;
  const named = namedInConnection(connection);
  const own = location.setHeaderNames;
  const sent: [string, string][] = [];
  // `fetch` decodes a compressed body, and so breaks it, unless the first
  // Accept-Encoding is exactly this; the client's own goes as a second one.
  if (!websocket) sent.push(["accept-encoding", "identity"]);
  for (const { name, value } of location.setHeaders) {
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
  if (te !== null && hasToken(te, "trailers")) sent.push(["te", "trailers"]);
  addMissing(sent);
  return sent;
}

/**
 * `fetch` adds these by itself where they are missing. The first two say the
 * same as nothing (RFC 9110 sections 12.5.1 and 12.5.4); an empty User-Agent is
 * as near as it lets us come to sending none.
 */
function addMissing(sent: [string, string][]): void {
  if (!has(sent, "accept")) sent.push(["accept", "*/*"]);
  if (!has(sent, "accept-language")) sent.push(["accept-language", "*"]);
  if (!has(sent, "user-agent")) sent.push(["user-agent", ""]);
}

function has(fields: readonly [string, string][], name: string): boolean {
  for (const field of fields) if (field[0] === name) return true;
  return false;
}
