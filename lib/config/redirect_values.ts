/**
 * The values of `proxy_redirect`.
 *
 * @module
 */
import * as v from "valibot";
import { utf8Bytes } from "../route/bytes.ts";
import { text } from "./directive_values.ts";
import { plainText } from "./plain_text.ts";
import type { ProxyRedirect } from "./plan.ts";
import { checkedBy, mapOf, parsedBy, wants } from "./schema_parts.ts";
import { compileTemplate } from "./template.ts";
import { expected, quote, ValueError } from "./words.ts";

const REDIRECT_WORDS = `"default", "off", or a map from prefix to replacement`;

export const Redirect = v.union([
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
      v.pipe(v.string(), checkedBy(checkRedirectPrefix)),
      v.pipe(text("a text"), checkedBy(compileTemplate)),
    ),
    v.transform((pairs): ProxyRedirect => ({
      kind: "pairs",
      pairs: Object.entries(pairs).map(([from, to]) => ({
        from: utf8Bytes(plainText(from)),
        to: compileTemplate(to),
      })),
    })),
  ),
], wants(REDIRECT_WORDS));

function checkRedirectPrefix(from: string): void {
  if (from === "") throw new ValueError("the prefix is empty");
  if (from.startsWith("~")) {
    throw new ValueError("regular expressions are not supported here");
  }
  plainText(from);
}
