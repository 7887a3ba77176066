/**
 * The header fields of a request, gone through once.
 *
 * @module
 */
import { type Field, HOP_BY_HOP } from "./headers.ts";

export type { Field } from "./headers.ts";

/** The names that are more than passed on. */
const NAMES = [
  "accept",
  "authorization",
  "connection",
  "content-length",
  "host",
  "origin",
  "referer",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
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

/**
 * A request's fields, and those that the proxy itself asks for. One walk over
 * them costs as much as three `Headers.get`, of which there would be ten.
 */
export class RequestFields {
  accept: string | null = null;
  authorization: string | null = null;
  origin: string | null = null;
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
  webSocketKey: string | null = null;
  webSocketProtocol: string | null = null;
  webSocketVersion: string | null = null;
  /** Those that may go on, but for what a location or `Connection` says. */
  readonly onward: Field[] = [];

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
      case "accept":
        this.accept = value;
        break;
      case "authorization":
        this.authorization = value;
        break;
      case "content-length":
        this.contentLength = value;
        break;
      case "origin":
        this.origin = value;
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
      case "sec-websocket-key":
        this.webSocketKey = value;
        break;
      case "sec-websocket-protocol":
        this.webSocketProtocol = value;
        break;
      case "sec-websocket-version":
        this.webSocketVersion = value;
        break;
    }
    this.onward.push([name, value]);
  }
}
