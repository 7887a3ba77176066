/**
 * `gzip` and `brotli`: responses compressed on their way (nginx's
 * ngx_http_gzip_module, and the names of ngx_brotli).
 *
 * @module
 */
import * as v from "valibot";
import { oneOrMore, parsedBy, text } from "../schema_parts.ts";
import { didYouMean, expected, quote, ValueError } from "../words.ts";
import { inherited, unset } from "./directive.ts";
import { measure, parseCount, Size, Toggle } from "./values.ts";

/** What responses are compressed with, the better coding first. */
export interface CompressPlan {
  readonly kind: "compress";
  /** At least one. */
  readonly codings: readonly CodingPlan[];
  /** Whether `Vary: Accept-Encoding` is sent. */
  readonly vary: boolean;
  /** Whether requests with `Via`, those of other proxies, are compressed for. */
  readonly proxied: GzipProxied;
}

/** One coding. */
export interface CodingPlan {
  readonly name: "br" | "gzip";
  readonly level: number;
  /** Bytes; a shorter body of a known length is left alone. */
  readonly minLength: number;
  readonly types: MediaTypes;
}

/** Media types in lower case. */
export interface MediaTypes {
  /** Whether each type is one, but for `text/event-stream`. */
  readonly all: boolean;
  readonly names: ReadonlySet<string>;
}

const CONDITIONS = [
  "off",
  "expired",
  "no-cache",
  "no-store",
  "private",
  "no_last_modified",
  "no_etag",
  "auth",
  "any",
] as const;
type Condition = typeof CONDITIONS[number];

/** When a response to another proxy is compressed (nginx's `gzip_proxied`). */
export type GzipProxied = ReadonlySet<Condition>;

const TYPE_WORDS = `a media type such as text/css, or "*"`;

/** As nginx does, text/html is always one. */
const ALWAYS = "text/html";

const Types = v.pipe(
  oneOrMore(
    "media types such as text/css",
    v.pipe(
      text(TYPE_WORDS),
      parsedBy((written: string) => {
        const words = written.trim().split(/\s+/);
        for (const word of words) {
          if (word !== "*" && !/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(word)) {
            const hint = /[;,]/.test(word)
              ? " (without anything behind it)"
              : "";
            throw new ValueError(expected(TYPE_WORDS, word) + hint);
          }
        }
        return words.map((word) => word.toLowerCase());
      }),
    ),
  ),
  v.transform((lists): MediaTypes => {
    const names = new Set([ALWAYS, ...lists.flat()]);
    return { all: names.delete("*"), names };
  }),
);

const HTML_ONLY: MediaTypes = { all: false, names: new Set([ALWAYS]) };

const PROXIED_WORDS = `"off", "any", or some of ${
  CONDITIONS.filter((word) => word !== "off" && word !== "any").join(", ")
}`;

const Proxied = v.pipe(
  text(PROXIED_WORDS),
  v.metadata({ pattern: `^(${CONDITIONS.join("|")})(\\s+[\\w-]+)*$` }),
  parsedBy((written: string): GzipProxied => {
    const words = written.trim().split(/\s+/);
    const found = words.map((word) => {
      const condition = CONDITIONS.find((condition) => condition === word);
      if (condition !== undefined) return condition;
      throw new ValueError(
        `no condition is called ${quote(word)}` +
          (didYouMean(word, CONDITIONS) || ` (expected ${PROXIED_WORDS})`),
      );
    });
    if (found.length > 1 && found.includes("off")) {
      throw new ValueError(`"off" excludes other conditions`);
    }
    return new Set(found);
  }),
);

function level(least: number, most: number) {
  const words = `a level from ${least} to ${most}`;
  return measure(
    words,
    "^\\d+$",
    (value) => parseCount(value, words, least, most),
  );
}

export const compression = {
  gzip: inherited(
    Toggle,
    false,
    "Whether responses are compressed with gzip on their way.",
  ),
  gzip_types: inherited(
    Types,
    unset(HTML_ONLY),
    "Which responses are compressed, beside those of text/html: media types, or " +
      "* for all but event streams.",
  ),
  gzip_min_length: inherited(
    Size,
    20,
    "A response with a shorter Content-Length is not compressed.",
  ),
  gzip_comp_level: inherited(
    level(1, 9),
    1,
    "How thoroughly gzip compresses: 1 is fast, 9 thorough. 6 takes three times " +
      "the time of 1 and makes a third less of JSON.",
  ),
  // nginx's default is off, and a cache in between gives gzip to who can't read
  // it then.
  gzip_vary: inherited(
    Toggle,
    true,
    "Whether responses that may be compressed say so to caches, with Vary: " +
      "Accept-Encoding. (nginx's default is off.)",
  ),
  gzip_proxied: inherited(
    Proxied,
    "off",
    "Whether responses to other proxies (requests with Via) are compressed: " +
      "off, any, or in some cases.",
  ),
  brotli: inherited(
    Toggle,
    false,
    "Whether responses are compressed with Brotli on their way, for clients that " +
      "take it; others may get gzip.",
  ),
  brotli_types: inherited(
    Types,
    unset(HTML_ONLY),
    "As gzip_types, for brotli.",
  ),
  brotli_min_length: inherited(Size, 20, "As gzip_min_length, for brotli."),
  // ngx_brotli's default is 6, which takes twice the time of 4 and makes 1 %
  // less of it (measured on JSON).
  brotli_comp_level: inherited(
    level(0, 11),
    4,
    "How thoroughly Brotli compresses: 0 is fast, 11 thorough. Up to 4 it is about " +
      "as fast as gzip_comp_level 6, and makes less of it.",
  ),
};
