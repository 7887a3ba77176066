/**
 * Why an upstream gave no answer.
 *
 * @module
 */

/**
 * `refused`: nobody listens there. `unresolved`: no such name. `unreachable`:
 * no route, or another failure to connect. `timeout`: no answer in time.
 * `closed`: closed or reset before a whole response head. `invalid`: what came
 * is not HTTP. `tls`: the TLS handshake failed.
 */
export type UpstreamFailure =
  | "refused"
  | "unresolved"
  | "unreachable"
  | "timeout"
  | "closed"
  | "invalid"
  | "tls";

/** An upstream that gave no answer. The words for people are made in `error_page.ts`. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  constructor(
    readonly failure: UpstreamFailure,
    /** `host:port` or `unix:path` of the server. */
    readonly address: string,
    options?: ErrorOptions,
  ) {
    super(`upstream ${address}: ${failure}`, options);
  }

  /** 504 for no answer in time (RFC 9110 section 15.6.5), else 502. */
  get status(): 502 | 504 {
    return this.failure === "timeout" ? 504 : 502;
  }
}
