/**
 * How the process works, what it logs, and how it ends.
 *
 * @module
 */
import * as v from "valibot";
import { LogTemplate } from "../log_template.ts";
import { parsedBy, text } from "../schema_parts.ts";
import { expected, ValueError } from "../words.ts";
import { allowedIn, inherited } from "./directive.ts";
import { measure, parseCount, Time, Toggle } from "./values.ts";

/** More than any machine has is a mistake. */
const MOST_WORKERS = 256;

const WORKERS_WORDS = `"auto" or a number from 1 to ${MOST_WORKERS}`;

/**
 * The most that `auto` starts. Each worker past the second holds 17 MiB and has
 * health and limits of its own; a machine with many processors that runs a whole
 * stack has other use for them.
 */
const MOST_AUTO_WORKERS = 8;

/**
 * `auto` is one for each processor that the process may use: what Deno counts
 * knows its affinity and its container's CPU limit, rounded down.
 */
export function autoWorkers(processors: number): number {
  return Math.max(1, Math.min(processors, MOST_AUTO_WORKERS));
}

const Workers = measure(
  WORKERS_WORDS,
  "^(auto|\\d+)$",
  (value) =>
    value === "auto"
      ? autoWorkers(navigator.hardwareConcurrency)
      : parseCount(value, WORKERS_WORDS, 1, MOST_WORKERS),
);

const FORMAT_WORDS = `"combined" or "json"`;

const LogFormatText = v.pipe(
  text(FORMAT_WORDS, (input) => expected(FORMAT_WORDS, input)),
  v.metadata({ pattern: "^(combined|json)$|\\$" }),
  parsedBy((written): "combined" | "json" | LogTemplate => {
    if (written === "combined" || written === "json") return written;
    if (written.includes("$")) return new LogTemplate(written);
    throw new ValueError(expected(FORMAT_WORDS, written));
  }),
);

export const process = {
  workers: allowedIn(
    ["top"],
    Workers,
    1,
    "How many threads accept connections: a number, or auto for one for each " +
      "processor that the process may use (its affinity, its container's CPU " +
      `limit rounded down), at most ${MOST_AUTO_WORKERS}. The first two hold ` +
      "95 MiB together, each further one 17. In Kubernetes a CPU request is no " +
      "limit: name a number there. More than one needs Linux. Limits and " +
      "health are counted in each by itself.",
  ),
  access_log: inherited(
    Toggle,
    true,
    "Whether requests are written to the access log.",
  ),
  log_format: allowedIn(
    ["top"],
    LogFormatText,
    "combined",
    "How a line of the access log is written: combined, as nginx's, json, or a " +
      "text with variables, as in nginx: $remote_addr, $request, $status, " +
      "$body_bytes_sent, $bytes_sent, $request_time, $upstream_addr, " +
      "$upstream_status, $upstream_response_time, $http_NAME and more; before " +
      "it escape=json, where it is JSON.",
  ),
  shutdown_timeout: allowedIn(
    ["top"],
    Time,
    "30s",
    "How long requests in flight may take after SIGTERM.",
  ),
  websocket_drain: allowedIn(
    ["top"],
    Time,
    undefined,
    "Over how long open WebSockets are closed after SIGTERM, so that not all " +
      "clients come back in one instant; less than shutdown_timeout. 5s, or " +
      "half of shutdown_timeout if that is less.",
  ),
  dev: allowedIn(
    ["top"],
    Toggle,
    false,
    "Whether error pages say which upstream failed and what to do about it.",
  ),
};
