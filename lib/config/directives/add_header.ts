/**
 * `add_header`: fields of responses (nginx's ngx_http_headers_module).
 *
 * @module
 */
import * as v from "valibot";
import { mapOf } from "../schema_map.ts";
import { byType, parsedBy } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { expectedText, quote, ValueError } from "../words.ts";
import { inherited, unset } from "./directive.ts";
import { HEADER_NAME_PATTERN } from "./proxy_set_header.ts";

/** One field to add. An empty rendered value is not sent. */
export interface AddedField {
  /** In lower case. */
  readonly name: string;
  readonly value: Template;
  /** Whether it is for every status, not only for those of a success or redirect. */
  readonly always: boolean;
  /** Whether it takes the place of one that is there, as there is only one. */
  readonly replaces: boolean;
}

/** The fields that are added to responses. */
export interface AddHeaderPlan {
  readonly kind: "add_header";
  readonly fields: readonly AddedField[];
}

const VALUE_WORDS = `text, or a list of it such as [DENY, always]`;

const TOKEN = new RegExp(HEADER_NAME_PATTERN);

/** @throws {ValueError} If this is not a header's name, or not one to add. */
function parseName(name: string): string {
  if (!TOKEN.test(name)) {
    const hint = /^\S+:$/.test(name) ? " (without the colon)" : "";
    throw new ValueError(`${quote(name)} is not a header name${hint}`);
  }
  const lower = name.toLowerCase();
  const reason = lower.startsWith("sec-websocket-")
    ? "it is part of the WebSocket handshake"
    : OWN.get(lower);
  if (reason !== undefined) {
    throw new ValueError(`${name} can't be added: ${reason}`);
  }
  return lower;
}

const CONNECTION = "it belongs to the connection, which the proxy makes itself";
const FRAMING = "the proxy sends it as the body needs it";

/** Fields that a second one would break. */
const OWN: ReadonlyMap<string, string> = new Map([
  ["connection", CONNECTION],
  ["keep-alive", CONNECTION],
  ["proxy-connection", CONNECTION],
  ["te", CONNECTION],
  ["upgrade", CONNECTION],
  ["trailer", FRAMING],
  ["transfer-encoding", FRAMING],
  ["content-length", FRAMING],
  ["content-encoding", "it says how the body is coded (see gzip)"],
  [
    "content-type",
    "a response has one, and there can't be two (see default_type)",
  ],
]);

/** nginx replaces these; all others it adds. */
const REPLACED: ReadonlySet<string> = new Set(["etag", "last-modified"]);

interface Value {
  readonly values: readonly Template[];
  readonly always: boolean;
}

function parseText(written: string): Value {
  const [, value, word] = /^(.*\S)\s+(always);?$/.exec(written) ?? [];
  if (value !== undefined && word !== undefined) {
    throw new ValueError(
      `"always" would be sent as part of the value (write [${quote(value)}, ` +
        "always])",
    );
  }
  return { values: [compileTemplate(written)], always: false };
}

function parseList(items: readonly string[]): Value {
  const always = items.at(-1) === "always" && items.length > 1;
  const values = always ? items.slice(0, -1) : items;
  return { values: values.map((value) => compileTemplate(value)), always };
}

const Value = byType(VALUE_WORDS, [
  v.pipe(v.string(), parsedBy((written: string) => parseText(written))),
  v.pipe(
    v.array(
      v.string(({ input }) => expectedText("text", input)),
    ),
    v.minLength(1, "the list is empty"),
    parsedBy((items: string[]) => parseList(items)),
  ),
]);

const Headers = v.pipe(
  mapOf(
    `a map of headers, such as "X-Frame-Options: DENY"`,
    {
      parse: parseName,
      pattern: HEADER_NAME_PATTERN,
      repeated: {
        identity: (name) => name,
        message: () =>
          "this header is already added above (write its values as a list)",
      },
    },
    Value,
  ),
  v.transform((entries): readonly AddedField[] =>
    entries.flatMap(({ key, value }) =>
      value.values.map((template) => ({
        name: key,
        value: template,
        always: value.always,
        replaces: REPLACED.has(key),
      }))
    )
  ),
);

export const addingHeaders = {
  add_header: inherited(
    Headers,
    unset<readonly AddedField[]>([]),
    "Headers that responses get: a map from names to values, which may have " +
      "variables in them. They are for statuses 200, 201, 204, 206, 301 to 304, " +
      "307 and 308; [VALUE, always] is for all. A list of values sends each. A " +
      "level that sets any inherits none.",
  ),
};
