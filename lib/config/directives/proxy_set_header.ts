/**
 * `proxy_set_header`: the headers that an upstream gets.
 *
 * @module
 */
import * as v from "valibot";
import { mapOf } from "../schema_map.ts";
import { parsedBy, text } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { expectedText, quote, ValueError } from "../words.ts";

/** One header to send upstream. `name` is lower case. An empty rendered value is not sent. */
export interface HeaderTemplate {
  name: string;
  value: Template;
}

/** For editors: a token (RFC 9110 section 5.6.2). */
export const HEADER_NAME_PATTERN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

const TOKEN = new RegExp(HEADER_NAME_PATTERN);

/**
 * A header's name in lower case.
 *
 * @throws {ValueError} If this is not a header name (RFC 9110 section 5.1), or one
 * that is not for a config to set.
 */
function parseHeaderName(name: string): string {
  if (!TOKEN.test(name)) {
    const hint = /^\S+:$/.test(name) ? " (without the colon)" : "";
    throw new ValueError(`${quote(name)} is not a header name${hint}`);
  }
  const lower = name.toLowerCase();
  const reason = lower.startsWith("sec-websocket-")
    ? WEBSOCKET
    : OWN.get(lower);
  if (reason !== undefined) {
    throw new ValueError(`${name} can't be set: ${reason}`);
  }
  return lower;
}

const WEBSOCKET = "WebSockets are proxied without configuration";
const CONNECTION = "it belongs to the connection, which the proxy makes itself";
const FRAMING = "the proxy sends a body with the framing that it came in";

/** Headers of one connection or message (RFC 9110 section 7.6.1), and why they are the proxy's. */
const OWN: ReadonlyMap<string, string> = new Map([
  ["connection", WEBSOCKET],
  ["upgrade", WEBSOCKET],
  ["keep-alive", CONNECTION],
  ["proxy-connection", CONNECTION],
  ["te", CONNECTION],
  ["trailer", FRAMING],
  ["transfer-encoding", FRAMING],
  ["content-length", FRAMING],
  ["expect", "the proxy answers it before it sends the body"],
]);

/** The headers of one `proxy_set_header`. */
interface HeaderSet {
  readonly headers: HeaderTemplate[];
  /** Their names, in lower case. */
  readonly names: ReadonlySet<string>;
}

const HeaderValue = v.pipe(
  text("text", (input) =>
    expectedText("text", input) +
    (input === null ? ` (write "" to send no such header)` : "")),
  parsedBy(compileTemplate),
);

export const SetHeader = v.pipe(
  mapOf(
    `a map of headers, such as "Host: $host"`,
    {
      parse: parseHeaderName,
      pattern: HEADER_NAME_PATTERN,
      repeated: {
        identity: (name) => name,
        message: () =>
          "this header is already set above, in different letter case",
      },
    },
    HeaderValue,
    (name, value) => {
      if (name !== "host" || value !== "") return;
      // HTTP/1.1 has no request without a host.
      throw new ValueError("a request needs a Host (RFC 9110 section 7.2)");
    },
  ),
  v.transform((entries): HeaderSet => {
    const headers = entries.map(({ key, value }) => ({ name: key, value }));
    return { headers, names: new Set(headers.map(({ name }) => name)) };
  }),
);
