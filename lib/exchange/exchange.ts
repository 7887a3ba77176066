/**
 * What one request tells the variables of the config.
 *
 * @module
 */
import type { RequestContext } from "../config/template.ts";

/** The facts of a request; filled from top to bottom as it is admitted and matched. */
export class Context implements RequestContext {
  /** Of the client, or a proxy before this one that is trusted says so. */
  remoteAddr: string;
  scheme: string;
  forwardedHost: string | null = null;
  path = "";
  args = "";
  host = "";
  serverName = "";
  proxyHost = "";
  upstreamAddr = "";
  readonly referer: string | null;
  readonly userAgent: string | null;
  readonly forwardedFor: string | null;

  constructor(
    readonly method: string,
    readonly headers: Headers,
    { referer, userAgent, forwardedFor }: Pick<
      RequestContext,
      "referer" | "userAgent" | "forwardedFor"
    >,
    scheme: string,
    readonly peerAddr: string,
    readonly remotePort: string,
    readonly serverPort: string,
    readonly requestId: string,
    readonly requestUri: string,
  ) {
    this.scheme = scheme;
    this.remoteAddr = peerAddr;
    this.referer = referer;
    this.userAgent = userAgent;
    this.forwardedFor = forwardedFor;
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
