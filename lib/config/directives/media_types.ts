/**
 * The media types of files: `types`, `default_type` and `charset`.
 *
 * @module
 */
import * as v from "valibot";
import { mapOf } from "../schema_map.ts";
import { byType, list, parsedBy, text } from "../schema_parts.ts";
import { expected, quote, ValueError } from "../words.ts";
import { inherited, unset } from "./directive.ts";

/** RFC 9110 section 8.3.1, parameters included. */
const MEDIA_TYPE =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=([\w!#$&^.+-]+|"[ !#-[\]-~]*"))*$/;

const TYPE_WORDS = "a media type such as text/plain";

function parseMediaType(written: string): string {
  if (MEDIA_TYPE.test(written)) return written;
  throw new ValueError(expected(TYPE_WORDS, written));
}

/** By extension, in lower case and without the dot. */
export type TypesByExtension = ReadonlyMap<string, string>;

const EXTENSION_WORDS = `extensions such as "html htm", or a list of them`;

function parseExtension(written: string): string {
  if (written.includes("/")) {
    throw new ValueError(
      `${quote(written)} is no extension (write the media type first, ` +
        `"${written}: js")`,
    );
  }
  const extension = written.replace(/^\./, "").toLowerCase();
  if (!/^[^\s.]+$/.test(extension)) {
    throw new ValueError(`${quote(written)} is no extension (write "js")`);
  }
  return extension;
}

const Extensions = byType(EXTENSION_WORDS, [
  v.pipe(
    v.string(),
    parsedBy((written) => {
      const words = written.split(/\s+/).filter(Boolean);
      if (words.length === 0) {
        throw new ValueError(expected(EXTENSION_WORDS, written));
      }
      return words.map(parseExtension);
    }),
  ),
  list(
    EXTENSION_WORDS,
    v.pipe(text("an extension such as js"), parsedBy(parseExtension)),
  ),
]);

const Types = v.pipe(
  mapOf(
    `a map such as "application/wasm: wasm"`,
    { parse: parseMediaType },
    Extensions,
  ),
  parsedBy((entries): TypesByExtension => {
    const types = new Map<string, string>();
    for (const { key: type, value: extensions } of entries) {
      for (const extension of extensions) {
        const before = types.get(extension);
        if (before !== undefined) {
          throw new ValueError(
            `the extension ${quote(extension)} has the type ${before} already`,
          );
        }
        types.set(extension, type);
      }
    }
    return types;
  }),
);

const CHARSET_WORDS = "a charset such as utf-8, or off";

/** Null for `off`. */
const Charset = byType(CHARSET_WORDS, [
  v.pipe(
    v.boolean(),
    parsedBy<boolean, string | null>((on) => {
      if (on) throw new ValueError(expected(CHARSET_WORDS, on));
      return null;
    }),
  ),
  v.pipe(
    v.string(),
    v.metadata({ pattern: "^[\\w.:+-]+$" }),
    parsedBy<string, string | null>((written) => {
      if (written === "off") return null;
      // RFC 9110 section 8.3.2: a token; the IANA's names have only these.
      if (/^[\w.:+-]+$/.test(written)) return written;
      throw new ValueError(expected(CHARSET_WORDS, written));
    }),
  ),
]);

export const mediaTypes = {
  types: inherited(
    Types,
    unset<TypesByExtension>(new Map()),
    "Media types of files by their extensions, such as `application/wasm: " +
      "wasm`, besides the usual ones, which need not be listed.",
  ),
  default_type: inherited(
    v.pipe(text(TYPE_WORDS), parsedBy(parseMediaType)),
    "text/plain",
    "The media type of a file whose extension has none, and of what `return` " +
      "sends.",
  ),
  charset: inherited(
    Charset,
    "utf-8",
    "The charset of files that are text, added to their media type; or off.",
  ),
};
