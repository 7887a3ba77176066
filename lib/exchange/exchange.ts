/**
 * One request and its answer: what is known of it, filled in phase by phase.
 *
 * @module
 */
import type { LocationPlan, ServerPlan } from "../config/plan.ts";
import type { BegunLine } from "../config/log_template.ts";
import type { RequestContext, UpstreamFacts } from "../config/template.ts";
import { compileLocations } from "../route/location.ts";
import type { Target } from "../route/path.ts";
import type { Captures } from "../route/regex.ts";
import { basicCredentials } from "./basic_credentials.ts";
import { type Field, RequestFields } from "./fields.ts";
import type { Rerouting } from "./rerouting.ts";

/** A request, as `Deno.serve` hands it over. `url` is not normalised. */
export type Incoming = Pick<Request, "url" | "method" | "headers">;

/** What all requests of a listener have in common, as `Deno.serve` shows it. */
export interface Place {
  /** What Deno puts in front of the host in `url`: `http://`, `https://` or `http+unix://`. */
  readonly urlScheme: string;
  /** What clients speak there. */
  readonly scheme: "http" | "https";
  /** What Deno puts in `url` where the request has no host: `localhost:9000`. */
  readonly fallbackHost: string;
  /** The listener's port, `""` for a unix socket. */
  readonly serverPort: string;
}

/** What became of a response's body. */
export interface DeliveredBody {
  /** All of it, where it was there at once. */
  readonly whole?: Uint8Array<ArrayBuffer> | null;
  /** Bytes that were handed on. */
  readonly size: number;
  /** Why it broke off; null where it did not. */
  readonly failure: Error | null;
}

/** A server that was given the request. */
export interface UpstreamAttempt {
  /** `host:port` or `unix:path`. */
  readonly address: string;
  /** When it was given it, by `performance.now()`. */
  readonly begun: number;
  /** When the head of its response came, by the same; null as long as none has. */
  answered: number | null;
  /** When it was given up for another; null for the last one. */
  ended: number | null;
  /** Of its response, or what its failure is answered with; 0 as long as neither is. */
  status: number;
}

/** What is kept of an exchange for who looks at it; filled in by the content. */
export interface ExchangeRecord {
  /** By which the recorder knows it. */
  readonly request: object;
  /** What the last server was sent. */
  sent: { readonly target: string; readonly fields: readonly Field[] } | null;
  /** What it answered. */
  answered: readonly Field[] | null;
}

/** What is to be given back when an exchange has ended. */
export interface Held {
  giveBack(): void;
}

/** Before a server has been found. */
const NO_SERVER: ServerPlan = {
  name: "",
  locations: compileLocations([]),
  strictTransportSecurity: null,
  redirectsToHttps: false,
  rewrite: null,
  errorPages: null,
  filters: [],
};

/** Before the target has been read. */
const NO_TARGET: Target = { raw: "", path: "", args: "", plain: true };

/**
 * The facts of one request, by which templates are rendered and lines logged.
 * Each phase fills in what it finds out; until then a fact is empty.
 */
export class Exchange implements RequestContext {
  // As the request came.
  /** That of the client, or GET for an error page. */
  method: string;
  /** The client's, of which a subrequest is a part: `$request_method`. */
  requestMethod: string;
  readonly url: string;
  readonly headers: Headers;
  readonly fields: RequestFields;
  readonly requestId: string;
  /** The peer of the connection: the client, or a proxy before this one. */
  readonly peerAddr: string;
  readonly remotePort: string;
  readonly serverPort: string;

  // Admit.
  /** Of the client: the peer, unless a trusted proxy says otherwise. */
  remoteAddr: string;
  scheme: "http" | "https";
  /**
   * Host and port as the client asked for them, null where it named none: what
   * redirects lead to.
   */
  authority: string | null = null;
  /** `$http_host`: what it asked this proxy for, which an absolute target says before `Host`. */
  httpHost = "";
  forwardedHost: string | null = null;
  requestUri: string;
  target: Target = NO_TARGET;
  /** The host without its port, in lower case; null where none was named. */
  hostname: string | null = null;
  /** Whether a WebSocket is asked for, by a valid handshake (RFC 6455 section 4.2.1). */
  websocket = false;
  /** Whether there is a body; `unsure` where only reading tells (HTTP/2). */
  hasBody: boolean | "unsure" = false;
  /** Bytes of the body; null where it has no Content-Length. */
  bodyLength: number | null = null;

  // Route.
  server: ServerPlan = NO_SERVER;
  /** Null where no location has taken it. */
  location: LocationPlan | null = null;
  serverName = "";
  /** `$host`: the hostname, or the server's name for a request without one. */
  host = "";

  // Rewrite.
  captures: Captures | null = null;
  /** Null for nearly all requests, which stay at their own location. */
  rerouting: Rerouting | null = null;

  // Access.
  /** Whether `limit_req` has counted it. */
  isCounted = false;
  /** What the config's own variables have been set to; null for nothing. */
  variables: ReadonlyMap<string, string> | null = null;

  // Content.
  proxyHost = "";
  upstreamAddr = "";
  /** The servers that were asked, in order; null where nobody wants to know. */
  attempts: UpstreamAttempt[] | null = null;
  /** Null as long as there is none. */
  upstreamResponse: UpstreamFacts | null = null;

  /** Null where nobody looks. */
  record: ExchangeRecord | null = null;

  // What has been taken, to be given back in the end.
  /** By the access phase. */
  places: Held | null = null;
  /** By the content. */
  content: Held | null = null;

  /** What came of the request's body; null where nothing was read. */
  requestBody: { readonly size: number } | null = null;

  /**
   * @param remoteAddr The peer's address; `unix:` for a unix socket.
   * @param remotePort The peer's port, `""` for a unix socket.
   * @param started When it came, by `performance.now()`.
   */
  constructor(
    request: Incoming,
    readonly place: Place,
    remoteAddr: string,
    remotePort: string,
    readonly started: number,
  ) {
    const { method, url, headers } = request;
    this.method = method;
    this.requestMethod = method;
    this.url = url;
    this.headers = headers;
    this.fields = new RequestFields(headers);
    this.requestId = requestId(this.fields.requestId);
    this.requestUri = url;
    this.remoteAddr = remoteAddr;
    this.peerAddr = remoteAddr;
    this.remotePort = remotePort;
    this.serverPort = place.serverPort;
    this.scheme = place.scheme;
  }

  get path(): string {
    return this.target.path;
  }

  get args(): string {
    return this.target.args;
  }

  get referer(): string | null {
    return this.fields.referer;
  }

  get userAgent(): string | null {
    return this.fields.userAgent;
  }

  get forwardedFor(): string | null {
    return this.fields.forwardedFor;
  }

  get remoteUser(): string {
    const { authorization } = this.fields;
    return authorization === null
      ? ""
      : basicCredentials(authorization)?.user ?? "";
  }

  // Respond.
  /** Its line of the access log by the config's own format; null for none. */
  line: BegunLine | null = null;
  /** The body of an upstream's response; null for none. */
  responseBody: DeliveredBody | null = null;

  /** The response has been delivered, or never will be. */
  end(): void {
    const { places, content } = this;
    this.places = this.content = null;
    content?.giveBack();
    places?.giveBack();
  }
}

/** Printable ASCII without quotes and backslash, as ids of tracing systems are. */
const SANE_ID = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/**
 * The id of a request: the client's `X-Request-ID` where it is sane (1 to 128
 * letters, digits and `._:/+=@-`), else a new UUID.
 *
 * @param given The client's, null if it sent none.
 */
export function requestId(given: string | null): string {
  return given !== null && SANE_ID.test(given) ? given : crypto.randomUUID();
}
