/**
 * Why an upstream gave no answer. (What the client did wrong is in
 * `lib/exchange/errors.ts`; the words for people are in
 * `lib/content/proxy/failure.ts`.)
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
 * connection or on an old one. A client of our own knows, and says so.
 */
const UNSENT: ReadonlySet<UpstreamFailure> = new Set([
  "refused",
  "unresolved",
  "unreachable",
  "tls",
  "none",
  "busy",
]);

/** What is known of a failure beside its kind. */
export interface FailureFacts extends ErrorOptions {
  /** Whether the server may have seen the request; by default what the kind says. */
  readonly sent?: boolean;
  /** What was wrong with what came, in words. */
  readonly detail?: string | null;
}

/** An upstream that gave no answer. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  /** Whether the server may have seen the request. */
  readonly sent: boolean;
  /** What was wrong with what came, in words; null where there is nothing to say. */
  readonly detail: string | null;

  constructor(
    readonly failure: UpstreamFailure,
    /** `host:port` or `unix:path` of the server; the group's name where none was taken. */
    readonly address: string,
    facts: FailureFacts = {},
  ) {
    super(`upstream ${address}: ${failure}`, facts);
    this.sent = facts.sent ?? !UNSENT.has(failure);
    this.detail = facts.detail ?? null;
  }

  /** 504 for no answer in time (RFC 9110 section 15.6.5), 503 where all are busy, else 502. */
  get status(): 502 | 503 | 504 {
    const { failure } = this;
    if (failure === "busy") return 503;
    return failure === "timeout" || failure === "unconnected" ? 504 : 502;
  }
}

/** What came is no HTTP/1.1 response, or one that can't be passed on. */
export class HeadError extends Error {
  override readonly name = "HeadError";

  /** @param detail What is wrong, in words; null where it is not HTTP at all. */
  constructor(readonly detail: string | null) {
    super(detail ?? "not HTTP/1.1");
  }
}

/** How far a connection of our own had come when it failed. */
export type Stage = "connect" | "tls" | "head";

/** Which failure an error of a connection of our own means. */
export function connectionFailure(
  error: unknown,
  stage: Stage,
): UpstreamFailure {
  const { errors } = Deno;
  if (error instanceof HeadError) return "invalid";
  if (error instanceof errors.TimedOut) return "timeout";
  if (stage === "tls") return "tls";
  if (stage === "head") return "closed";
  if (error instanceof errors.ConnectionRefused) return "refused";
  // A unix socket that is not there.
  if (error instanceof errors.NotFound) return "refused";
  // Deno 2.9.6 has no class for a name that can't be resolved, only words; a
  // name that is none is a URIError.
  const unresolved = error instanceof URIError || error instanceof Error &&
      error.message.startsWith("failed to lookup address information");
  return unresolved ? "unresolved" : "unreachable";
}

/**
 * Which failure an error of `fetch` means, read from its words. In Deno 2.9.6 it
 * is `TypeError: fetch failed` with a cause such as `error sending request for
 * url (…): client error (Connect): tcp connect error: Connection refused`, and
 * now and then, for a connection that breaks, only `Connection reset by peer (os
 * error 104)`. Tests pin each of these, so that a Deno that words them otherwise
 * is noticed.
 */
export function fetchFailure(error: unknown): UpstreamFailure {
  const words = error instanceof Error
    ? `${error.message} ${
      error.cause instanceof Error ? error.cause.message : ""
    }`
    : String(error);
  // The URL stands before the stage, and the client may have put any words in it.
  const [, stage, detail = words.includes("://") ? "" : words] =
    / client error \((\w+)\)(.*)/s.exec(words) ?? [];
  if (stage === "Connect") {
    if (detail.includes("dns error")) return "unresolved";
    if (detail.includes("Connection refused")) return "refused";
    return /certificate|\btls\b|handshake|corrupt message/i.test(detail)
      ? "tls"
      : "unreachable";
  }
  if (/timed out/i.test(detail)) return "timeout";
  return CLOSED.test(detail) ? "closed" : "invalid";
}

/** A TLS alert ends a connection as well: what was sent may have been read. */
const CLOSED =
  /connection closed|closed connection|connection reset|broken pipe|incomplete|canceled|end of file|fatal alert/i;
