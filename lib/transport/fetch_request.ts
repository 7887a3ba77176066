/**
 * Steps round what the platform's `fetch` does to a request on its way.
 *
 * @module
 */
import type { Field } from "../exchange/fields.ts";
import { asciiSet, escapeBytes } from "../route/bytes.ts";

// The same for all requests; a literal would be a new array for each.
const IDENTITY: Field = ["accept-encoding", "identity"];
const ANY_TYPE: Field = ["accept", "*/*"];
const ANY_LANGUAGE: Field = ["accept-language", "*"];
const NO_AGENT: Field = ["user-agent", ""];

/**
 * A stream of a known length. `fetch` sends a stream chunked and drops the
 * Content-Length that is given beside it, but takes a Blob's size for one, and
 * streams it: a server that can't read chunked bodies (WSGI) is not given one
 * for a request that was none.
 */
export class Measured extends Blob {
  readonly #stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #length: number;

  constructor(stream: ReadableStream<Uint8Array>, length: number) {
    super();
    this.#stream = stream as ReadableStream<Uint8Array<ArrayBuffer>>;
    this.#length = length;
  }

  override get size(): number {
    return this.#length;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream;
  }
}

/**
 * The fields as they are given to `fetch`. It decodes a compressed body, and so
 * breaks it, unless the first Accept-Encoding is exactly `identity`; the
 * client's own goes as a second one. It adds `accept`, `accept-language` and
 * `user-agent` where they are missing: the first two then say the same as
 * nothing (RFC 9110 sections 12.5.1 and 12.5.4); an empty User-Agent is as near
 * as it lets us come to sending none.
 */
export function fetchFields(fields: readonly Field[]): Field[] {
  const sent = [IDENTITY, ...fields];
  if (!has(sent, "accept")) sent.push(ANY_TYPE);
  if (!has(sent, "accept-language")) sent.push(ANY_LANGUAGE);
  if (!has(sent, "user-agent")) sent.push(NO_AGENT);
  return sent;
}

/**
 * A target as WHATWG's URL serialises it, so that `fetch` sends what is given to
 * it and means the same: `\` in the path stays a letter, as `%5C`, what a URI
 * can't hold is escaped, and a fragment, which `fetch` drops, is cut off.
 *
 * @param target A byte string, without raw dot segments.
 */
export function fetchTarget(target: string): string {
  if (!REWRITTEN_BY_URL.test(target)) return target;
  const [uri = ""] = target.split("#", 1);
  const question = uri.indexOf("?");
  const end = question === -1 ? uri.length : question;
  return escapeBytes(uri.slice(0, end), PATH_ESCAPES) +
    escapeBytes(uri.slice(end), QUERY_ESCAPES);
}

const REWRITTEN_BY_URL = /["#'<>\\^`{}\x80-\xff]/;
/** WHATWG's path percent-encode set and `\`. Deno 2.9.6 leaves `^` alone yet. */
const PATH_ESCAPES = asciiSet('"<>\\^`{}', true);
/** WHATWG's special-query percent-encode set. */
const QUERY_ESCAPES = asciiSet("\"'<>", true);

function has(fields: readonly Field[], name: string): boolean {
  for (const field of fields) if (field[0] === name) return true;
  return false;
}
