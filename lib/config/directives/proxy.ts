/**
 * How requests are sent to an upstream, and what is tried when that fails.
 *
 * @module
 */
import * as v from "valibot";
import { didYouMean, expected, quote, ValueError } from "../words.ts";
import { byType, parsedBy } from "../schema_parts.ts";
import { TIME_PATTERN, TIME_WORDS } from "../units.ts";
import { allowedIn, inherited, unset } from "./directive.ts";
import { ProxyPassText } from "./proxy_pass.ts";
import { Redirect } from "./proxy_redirect.ts";
import { SetHeader } from "./proxy_set_header.ts";
import {
  Count,
  measure,
  parseTimeLimit,
  TimeLimit,
  TimeOrOff,
} from "./values.ts";

/** The longest waits for a response, in milliseconds; 0 is no limit. */
export interface ReadTimeout {
  /** For its head, after the request was sent. */
  readonly head: number;
  /** Between two pieces of its body. */
  readonly body: number;
}

const ReadTimeLimit = measure(
  TIME_WORDS,
  TIME_PATTERN,
  (value): ReadTimeout => {
    const time = parseTimeLimit(value);
    return { head: time, body: time };
  },
);

/** When a request goes to another server (nginx's `proxy_next_upstream`). */
export interface NextUpstream {
  error: boolean;
  timeout: boolean;
  invalidHeader: boolean;
  /** Also requests that may not be repeated (RFC 9110 section 9.2.2). */
  nonIdempotent: boolean;
  statuses: readonly number[];
}

const STATUS_CONDITIONS = [403, 404, 429, 500, 502, 503, 504] as const;
const CONDITIONS = [
  "error",
  "timeout",
  "invalid_header",
  "non_idempotent",
  ...STATUS_CONDITIONS.map((status) => `http_${status}`),
];

const NEXT_WORDS =
  `"off", or some of error, timeout, invalid_header, http_500, http_502, ` +
  `http_503, http_504, http_403, http_404, http_429, non_idempotent`;

/** The conditions in one text or a list. */
const Next = byType(NEXT_WORDS, [
  v.pipe(
    v.string(),
    parsedBy((text) => parseNext(text.trim().split(/\s+/))),
  ),
  v.pipe(
    v.array(v.string((issue) => expected(NEXT_WORDS, issue.input))),
    parsedBy((words: string[]) => parseNext(words)),
  ),
]);

function parseNext(words: readonly string[]): NextUpstream {
  const given = new Set(words);
  if (given.has("off") && given.size > 1) {
    throw new ValueError(`"off" excludes other conditions`);
  }
  for (const word of given) {
    if (word !== "off" && !CONDITIONS.includes(word)) {
      throw new ValueError(
        `no condition is called ${quote(word)}` +
          (didYouMean(word, CONDITIONS) || ` (expected ${NEXT_WORDS})`),
      );
    }
  }
  return {
    error: given.has("error"),
    timeout: given.has("timeout"),
    invalidHeader: given.has("invalid_header"),
    nonIdempotent: given.has("non_idempotent"),
    statuses: STATUS_CONDITIONS.filter((status) => given.has(`http_${status}`)),
  };
}

export const proxy = {
  proxy_pass: allowedIn(
    ["location"],
    ProxyPassText,
    undefined,
    "Where the requests go: http://UPSTREAM, or an address such as " +
      "http://127.0.0.1:8000, https://example.com, http://unix:/run/x.sock:/. " +
      "A path after it replaces the matched prefix; without one the request's " +
      "own target goes on.",
  ),
  proxy_set_header: inherited(
    SetHeader,
    {
      "Host": "$http_host",
      "X-Real-IP": "$remote_addr",
      "X-Forwarded-For": "$proxy_add_x_forwarded_for",
      "X-Forwarded-Host": "$forwarded_host",
      "X-Forwarded-Proto": "$scheme",
    },
    "Headers that the upstream gets instead of the client's of that name. " +
      `Values may have variables in them; "" sends no such header. A location ` +
      "that sets none has those of its server, or else of the top; one that " +
      "sets any has only its own.",
  ),
  proxy_redirect: inherited(
    Redirect,
    "default",
    "How Location and Refresh headers of responses are rewritten. `default`: the " +
      "upstream's own address becomes the location's path. `off`: not at all. Or " +
      "a map from the beginning of a Location to what replaces it, which may have " +
      "variables in it.",
  ),
  proxy_connect_timeout: inherited(
    TimeLimit,
    "5s",
    "Longest wait for a connection to a server of the upstream.",
  ),
  proxy_send_timeout: inherited(
    TimeLimit,
    "60s",
    "Longest wait for an upstream to take more of a request's body.",
  ),
  proxy_read_timeout: inherited(
    ReadTimeLimit,
    // Where it is set it is also the longest wait within a body, as in nginx.
    // Where it is not, a quiet stream of events may stay open.
    unset({ head: 60_000, body: 0 }),
    "Longest wait for the head of an upstream's response, such as 500ms, 30s, " +
      "5m; then the client gets 504. Where it is set (else it is 60s), also the " +
      "longest wait between two pieces of the body.",
  ),
  proxy_next_upstream: inherited(
    Next,
    "error timeout",
    "When a request goes to another server of the upstream: error, timeout, " +
      "invalid_header, http_500 and the like, non_idempotent (also requests that " +
      "may do something twice), or off.",
  ),
  proxy_next_upstream_tries: inherited(
    Count,
    0,
    "Most servers tried for a request; 0 is all of them.",
  ),
  proxy_next_upstream_timeout: inherited(
    TimeOrOff,
    "off",
    "After this time no other server is tried. 0 or `off` is no limit.",
  ),
  wait_for_upstream: inherited(
    TimeOrOff,
    "off",
    "How long a request is held, while no server accepts connections, before " +
      "it is answered with 502: for a stack that is starting.",
  ),
};
