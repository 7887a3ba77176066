/**
 * `proxy_redirect`: how `Location` and `Refresh` of responses are rewritten.
 *
 * @module
 */
import * as v from "valibot";
import { utf8Bytes } from "../../route/bytes.ts";
import { plainText } from "../plain_text.ts";
import { mapOf } from "../schema_map.ts";
import { byType, parsedBy, text } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { expected, quote, ValueError } from "../words.ts";

/** How `Location` and `Refresh` response headers are rewritten (nginx's `proxy_redirect`). */
export type ProxyRedirect =
  | { kind: "off" }
  /** `default`: the upstream's own address, with the path of `proxy_pass`, becomes the location's prefix. */
  | { kind: "default" }
  /** Explicit `from: to` pairs, first match wins; `from` is a prefix, taken literally. */
  | { kind: "pairs"; pairs: { from: string; to: Template }[] };

const REDIRECT_WORDS = `"default", "off", or a map from prefix to replacement`;

export const Redirect = byType(REDIRECT_WORDS, [
  v.pipe(
    v.string(),
    v.metadata({ enum: ["default", "off"] }),
    parsedBy((word): ProxyRedirect => {
      if (word === "default" || word === "off") return { kind: word };
      const [, from, to] = /^(\S+)\s+([^\s;]+);?$/.exec(word) ?? [];
      throw new ValueError(
        expected(REDIRECT_WORDS, word) +
          (from !== undefined && to !== undefined
            ? ` (write {${quote(from)}: ${quote(to)}})`
            : ""),
      );
    }),
  ),
  v.pipe(
    mapOf(
      REDIRECT_WORDS,
      { parse: parsePrefix },
      v.pipe(text("text"), parsedBy(compileTemplate)),
    ),
    v.transform((pairs): ProxyRedirect => ({
      kind: "pairs",
      pairs: pairs.map(({ key, value }) => ({ from: key, to: value })),
    })),
  ),
]);

/** As a byte string. */
function parsePrefix(written: string): string {
  if (written === "") throw new ValueError("the prefix is empty");
  if (written.startsWith("~")) {
    throw new ValueError("regular expressions are not supported here");
  }
  return utf8Bytes(plainText(written));
}
