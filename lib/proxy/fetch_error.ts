/**
 * What went wrong in a `fetch`, which tells it only in words.
 *
 * @module
 */
import type { UpstreamFailure } from "./upstream_error.ts";

/**
 * Reads the failure from the words of Deno's error. In Deno 2.9.6 it is
 * `TypeError: fetch failed` with a cause such as `error sending request for url
 * (…): client error (Connect): tcp connect error: Connection refused`. Tests
 * pin each of these, so that a Deno that words them otherwise is noticed.
 */
export function classify(error: unknown): UpstreamFailure {
  const words = error instanceof Error
    ? `${error.message} ${
      error.cause instanceof Error ? error.cause.message : ""
    }`
    : String(error);
  if (words.includes("dns error")) return "unresolved";
  if (words.includes("Connection refused")) return "refused";
  if (/certificate|\btls\b|handshake|corrupt message/i.test(words)) {
    return "tls";
  }
  if (words.includes("(Connect)")) return "unreachable";
  if (/timed out/i.test(words)) return "timeout";
  if (
    /connection closed|connection reset|broken pipe|incomplete|canceled|end of file/i
      .test(words)
  ) return "closed";
  return "invalid";
}
