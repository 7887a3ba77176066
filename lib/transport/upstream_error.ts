/**
 * Why an upstream gave no answer.
 *
 * @module
 */

/**
 * `refused`: nobody listens there. `unresolved`: no such name. `unreachable`:
 * no route, or another failure to connect. `unconnected`: no connection in time.
 * `tls`: the TLS handshake failed. `timeout`: no answer in time. `closed`:
 * closed or reset before a whole response head. `invalid`: what came is not
 * HTTP. `none`: every server of the group is left out or down. `busy`: each has
 * all the exchanges that it may have.
 */
export type UpstreamFailure =
  | "refused"
  | "unresolved"
  | "unreachable"
  | "unconnected"
  | "tls"
  | "timeout"
  | "closed"
  | "invalid"
  | "none"
  | "busy";

/**
 * Failures before there was a connection: the server has seen nothing of the
 * request. Not `unconnected`: where `fetch` waits, nobody can tell whether for a
 * connection or on an old one.
 */
const UNSENT: ReadonlySet<UpstreamFailure> = new Set([
  "refused",
  "unresolved",
  "unreachable",
  "tls",
  "none",
  "busy",
]);

/** An upstream that gave no answer. The words for people are made in `error_page.ts`. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  constructor(
    readonly failure: UpstreamFailure,
    /** `host:port` or `unix:path` of the server; the group's name where none was taken. */
    readonly address: string,
    options?: ErrorOptions,
  ) {
    super(`upstream ${address}: ${failure}`, options);
  }

  /** Whether the server may have seen the request. */
  get sent(): boolean {
    return !UNSENT.has(this.failure);
  }

  /** 504 for no answer in time (RFC 9110 section 15.6.5), 503 where all are busy, else 502. */
  get status(): 502 | 503 | 504 {
    const { failure } = this;
    if (failure === "busy") return 503;
    return failure === "timeout" || failure === "unconnected" ? 504 : 502;
  }
}
