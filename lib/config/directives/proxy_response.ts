/**
 * What is changed in the fields of an upstream's response (nginx's
 * ngx_http_proxy_module).
 *
 * @module
 */
import * as v from "valibot";
import { oneOrMore, parsedBy, text } from "../schema_parts.ts";
import { didYouMean, quote, ValueError } from "../words.ts";
import { inherited, unset } from "./directive.ts";
import type { CookieRules } from "./proxy_cookie.ts";
import { HEADER_NAME_PATTERN } from "./proxy_set_header.ts";

/** What is changed in the fields of a response. */
export interface ResponseRules {
  /** Names in lower case of fields that the client does not get. */
  readonly hidden: ReadonlySet<string>;
  /** What is changed in cookies; null for nothing. */
  readonly cookies: CookieRules | null;
}

const TOKEN = new RegExp(HEADER_NAME_PATTERN);

const FieldName = v.pipe(
  text("a header's name"),
  v.metadata({ pattern: HEADER_NAME_PATTERN }),
  parsedBy((name: string) => {
    if (TOKEN.test(name)) return name.toLowerCase();
    const hint = /^\S+:$/.test(name) ? " (without the colon)" : "";
    throw new ValueError(`${quote(name)} is not a header name${hint}`);
  }),
);

const FieldNames = oneOrMore("a header's name, or a list of these", FieldName);

const IGNORABLE = ["X-Accel-Redirect"] as const;

/** nginx's others are about its cache and its buffers. */
const Ignored = v.pipe(
  FieldNames,
  parsedBy((names: string[]) => {
    for (const name of names) {
      if (name === "x-accel-redirect") continue;
      throw new ValueError(
        `${quote(name)} means nothing to the proxy, it need not be ignored` +
          didYouMean(name, IGNORABLE),
      );
    }
    return names;
  }),
);

export const proxyResponse = {
  proxy_hide_header: inherited(
    FieldNames,
    unset<string[]>([]),
    "Headers of upstreams' responses that clients do not get: a name, or a list " +
      "of these. A level that sets any inherits none.",
  ),
  proxy_pass_header: inherited(
    FieldNames,
    unset<string[]>([]),
    "Headers that are sent on though proxy_hide_header names them. All others " +
      "are sent on anyway, Server and Date too, which nginx hides.",
  ),
  proxy_ignore_headers: inherited(
    Ignored,
    unset<string[]>([]),
    "X-Accel-Redirect: it is passed on, and leads nowhere.",
  ),
};
