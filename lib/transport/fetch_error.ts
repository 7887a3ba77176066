/**
 * What went wrong in a `fetch`, which tells it only in words.
 *
 * @module
 */
import type { UpstreamFailure } from "./upstream_error.ts";

/**
 * Reads the failure from the words of Deno's error. In Deno 2.9.6 it is
 * `TypeError: fetch failed` with a cause such as `error sending request for url
 * (…): client error (Connect): tcp connect error: Connection refused`, and now
 * and then, for a connection that breaks, only `Connection reset by peer (os
 * error 104)`. Tests pin each of these, so that a Deno that words them otherwise
 * is noticed.
 */
export function classify(error: unknown): UpstreamFailure {
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
