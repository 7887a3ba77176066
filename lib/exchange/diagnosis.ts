/**
 * How the servers of an upstream are, for the error page that `dev` shows.
 *
 * @module
 */

/** One server of the upstream. */
export interface DiagnosedServer {
  /** `host:port` or `unix:path`. */
  readonly address: string;
  /** How often this request was sent to it, or was to be. */
  readonly tried: number;
  /** What came of that, or why it was not tried; in words. */
  readonly outcome: string;
  /** Since when it has failed, in milliseconds since 1970; null where it has not. */
  readonly downSince: number | null;
}

/** Why an upstream gave no answer. */
export interface Diagnosis {
  readonly upstream: string;
  /** Those that were tried come first; at most {@linkcode MOST_SERVERS}. */
  readonly servers: readonly DiagnosedServer[];
  /** How many there are beside these. */
  readonly others: number;
}

/** Servers that one page shows. */
export const MOST_SERVERS = 20;

/** `2026-11-26 19:20:31 UTC, for 35 s`. */
export function sinceWords(since: number, now: number): string {
  const time = new Date(since).toISOString().replace("T", " ").slice(0, 19);
  return `${time} UTC, for ${duration(Math.max(0, now - since) / 1000)}`;
}

/** In the largest unit that says something. */
function duration(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}
