/**
 * `websocket_origins`: whose pages may open a WebSocket.
 *
 * Browsers send cookies with a WebSocket of any page, and no CORS stands in its
 * way: without this, a foreign page reads and writes in the visitor's name
 * (cross-site WebSocket hijacking, RFC 6455 section 10.2).
 *
 * @module
 */
import * as v from "valibot";
import { type Origin, parseOrigin } from "../../route/origin.ts";
import { oneOrMore, parsedBy, text } from "../schema_parts.ts";
import { expected, quote, ValueError } from "../words.ts";
import { inherited } from "./directive.ts";

/** An origin of the list. */
export interface AllowedOrigin extends Origin {
  /** Whether it is for names below `host`, and not for that: `https://*.example.com`. */
  readonly subdomains: boolean;
}

/** Whose pages may open a WebSocket. */
export interface WebSocketOrigins {
  readonly any: boolean;
  /** Pages of the host that the request is for. */
  readonly self: boolean;
  /** Pages without an origin, such as a sandboxed frame or a file. */
  readonly opaque: boolean;
  readonly origins: readonly AllowedOrigin[];
}

const WORDS = `"self", "any", or an origin such as https://example.com`;

type Entry = "self" | "any" | "null" | AllowedOrigin;

function parseEntry(written: string): Entry {
  if (written === "self" || written === "any" || written === "null") {
    return written;
  }
  if (written === "*") throw new ValueError(`write "any" for every origin`);
  const subdomains = written.includes("://*.");
  const origin = parseOrigin(written.replace("://*.", "://"));
  if (origin === null || origin.host.includes("*")) {
    throw new ValueError(expected(WORDS, written) + hintFor(written));
  }
  return { ...origin, subdomains };
}

function hintFor(written: string): string {
  const [, origin] = /^([a-z]+:\/\/[^/]+)\/.*$/i.exec(written) ?? [];
  if (origin !== undefined) return ` (without a path: ${quote(origin)})`;
  return /^[\w.-]+(:\d+)?$/.test(written)
    ? ` (write ${quote(`https://${written}`)})`
    : "";
}

const Origins = v.pipe(
  oneOrMore(
    `${WORDS}, or a list of them`,
    v.pipe(
      text(WORDS),
      v.metadata({
        pattern: "^(self|any|null|[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\s]+)$",
      }),
      parsedBy(parseEntry),
    ),
  ),
  parsedBy((entries): WebSocketOrigins => {
    if (entries.includes("any") && entries.length > 1) {
      throw new ValueError(`"any" excludes other origins`);
    }
    return {
      any: entries.includes("any"),
      self: entries.includes("self"),
      opaque: entries.includes("null"),
      origins: entries.filter((entry) => typeof entry !== "string"),
    };
  }),
);

export const websocketOrigins = {
  websocket_origins: inherited(
    Origins,
    "self",
    "Whose pages may open a WebSocket: self (the host and port that the request " +
      "is for), origins such as https://example.com or https://*.example.com, " +
      'a list of them, or any. "null" is a page without an origin. Others get ' +
      "403; what is no browser sends no Origin, and passes.",
  ),
};
