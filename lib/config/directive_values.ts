/**
 * The kinds of values that directives have, as parts of the schema. For each
 * type that YAML may hand over there is one branch, so that a message is about
 * the branch that was meant.
 *
 * @module
 */
import * as v from "valibot";
import { parseNetwork } from "../route/network.ts";
import {
  LISTEN_PATTERN,
  parseListen,
  parseUpstreamAddress,
  UPSTREAM_PATTERN,
} from "./address.ts";
import type { ListenAddress } from "./plan.ts";
import { parseProxyPass, PROXY_PASS_PATTERN } from "./proxy_pass.ts";
import {
  checkedBy,
  mapOf,
  oneOrMore,
  parsedBy,
  wants,
} from "./schema_parts.ts";
import { parseServerName } from "./server_name.ts";
import {
  checkHeaderName,
  checkHeaderValue,
  HEADER_NAME_PATTERN,
  headerSet,
  repeatedNames,
} from "./set_header.ts";
import { compileTemplate } from "./template.ts";
import {
  parseSize,
  parseTime,
  SIZE_PATTERN,
  TIME_PATTERN,
  TIME_WORDS,
} from "./units.ts";
import { expected, expectedText, ValueError } from "./words.ts";

/** Text that must be quoted in YAML where it looks like something else. */
export function text(what: string) {
  return v.string((issue) => expectedText(what, issue.input));
}

/** A number, or a text that says the same; read by one parser. */
function measure(
  what: string,
  pattern: string,
  parse: (value: string | number) => number,
) {
  return v.union([
    v.pipe(
      v.number(),
      v.metadata({ type: "integer", minimum: 0 }),
      parsedBy<number, number>(parse),
    ),
    v.pipe(
      v.string(),
      v.metadata({ pattern }),
      parsedBy<string, number>(parse),
    ),
  ], wants(what));
}

/** In milliseconds. */
export const Time = measure(
  TIME_WORDS,
  TIME_PATTERN,
  (value) => parseTime(value),
);

/** In milliseconds, at least one. */
export const TimeLimit = measure(TIME_WORDS, TIME_PATTERN, (value) => {
  const time = parseTime(value);
  if (time === 0) throw new ValueError("the time must be more than 0");
  return time;
});

const PING_WORDS = `a time such as 30s, or "off"`;

/** In milliseconds; `off` is 0. */
export const TimeOrOff = measure(
  PING_WORDS,
  `^off$|${TIME_PATTERN}`,
  (value) => value === "off" ? 0 : parseTime(value, PING_WORDS),
);

/** In bytes. */
export const Size = measure(
  "a size such as 64k, 10m or 1g",
  SIZE_PATTERN,
  parseSize,
);

/** A count of things. */
export const Count = measure("a whole number", "^\\d+$", (value) => {
  const count = /^\d+$/.test(String(value)) ? Number(value) : NaN;
  if (!Number.isSafeInteger(count)) {
    throw new ValueError(expected("a whole number", value));
  }
  return count;
});

/** A count of things, at least one. */
export const PositiveCount = measure(
  "a whole number of at least 1",
  "^0*[1-9]\\d*$",
  (value) => {
    const count = /^\d+$/.test(String(value)) ? Number(value) : NaN;
    if (!Number.isSafeInteger(count) || count === 0) {
      throw new ValueError(expected("a whole number of at least 1", value));
    }
    return count;
  },
);

/** One for each processor, or so many; more than any machine has is a mistake. */
const MOST_WORKERS = 256;

/** How many threads share the work. */
export const Workers = measure(
  `"auto" or a number from 1 to ${MOST_WORKERS}`,
  "^(auto|\\d+)$",
  (value) => {
    if (value === "auto") return navigator.hardwareConcurrency;
    const count = /^\d+$/.test(String(value)) ? Number(value) : NaN;
    if (!(count >= 1 && count <= MOST_WORKERS)) {
      const what = `"auto" or a number from 1 to ${MOST_WORKERS}`;
      throw new ValueError(expected(what, value));
    }
    return count;
  },
);

const TOGGLE: ReadonlyMap<string, boolean> = new Map([
  ["on", true],
  ["off", false],
  ["true", true],
  ["false", false],
]);

export const Toggle = v.union([
  v.boolean(),
  v.pipe(
    v.string(),
    v.metadata({ enum: [...TOGGLE.keys()] }),
    parsedBy((word) => {
      const on = TOGGLE.get(word);
      if (on === undefined) throw new ValueError(expected("on or off", word));
      return on;
    }),
  ),
], wants("on or off"));

/** One address to listen on, and how it was written. */
export interface Listen {
  readonly address: ListenAddress;
  readonly written: string;
}

function readListen(value: string | number): Listen {
  return { address: parseListen(value), written: String(value) };
}

export const Listens = oneOrMore(
  `a port, "host:port", or a list of them`,
  v.union([
    v.pipe(
      v.number(),
      v.metadata({ type: "integer", minimum: 0, maximum: 65535 }),
      parsedBy<number, Listen>(readListen),
    ),
    v.pipe(
      v.string(),
      v.metadata({ pattern: LISTEN_PATTERN }),
      parsedBy<string, Listen>(readListen),
    ),
  ], wants(`a port or "host:port"`)),
);

export const ServerNames = oneOrMore(
  "a host name or a list of them",
  v.pipe(text("a host name"), parsedBy(parseServerName)),
);

export const UpstreamServer = v.pipe(
  text(`"host:port"`),
  v.metadata({ pattern: UPSTREAM_PATTERN }),
  parsedBy(parseUpstreamAddress),
);

export const TrustedProxies = oneOrMore(
  `a network such as 10.0.0.0/8, or a list of them`,
  v.pipe(
    text("a network such as 10.0.0.0/8"),
    checkedBy((network) => {
      if (parseNetwork(network) === null) {
        throw new ValueError(
          expected(
            `a network such as 10.0.0.0/8 or fd00::/8, or "unix"`,
            network,
          ),
        );
      }
    }),
  ),
);

export const ProxyPassText = v.pipe(
  text("an address such as http://backend"),
  v.title("proxy_pass"),
  v.description(
    "Where the requests go: http://UPSTREAM, or an address such as " +
      "http://127.0.0.1:8000, https://example.com, http://unix:/run/x.sock:/. " +
      "A path after it replaces the matched prefix; without one the request's " +
      "own target goes on.",
  ),
  v.metadata({ pattern: PROXY_PASS_PATTERN }),
  parsedBy(parseProxyPass),
);

export const SetHeader = v.pipe(
  mapOf(
    `a map of headers, such as "Host: $host"`,
    v.pipe(
      v.string(),
      v.metadata({ pattern: HEADER_NAME_PATTERN }),
      checkedBy(checkHeaderName),
    ),
    v.pipe(
      v.string((issue) =>
        expectedText("a text", issue.input) +
        (issue.input === null ? ` (write "" to send no such header)` : "")
      ),
      checkedBy(compileTemplate),
    ),
  ),
  v.title("proxy_set_header"),
  v.description(
    "Headers that the upstream gets instead of the client's of that name. " +
      `Values may have variables in them; "" sends no such header. A location ` +
      "that sets none has those of its server, or else of the top; one that " +
      "sets any has only its own.",
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    const refuse = (key: string, message: string) =>
      addIssue({
        message,
        path: [{
          type: "object",
          origin: "key",
          input,
          key,
          value: input[key],
        }],
      });
    for (const name of repeatedNames(Object.keys(input))) {
      refuse(name, "this header is set above, with other capital letters");
    }
    for (const [name, value] of Object.entries(input)) {
      try {
        checkHeaderValue(name, value);
      } catch (error) {
        if (!(error instanceof ValueError)) throw error;
        refuse(name, error.message);
      }
    }
  }),
  v.transform(headerSet),
);
