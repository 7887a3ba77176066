/**
 * The response that a file makes: whole, in parts, or not at all.
 *
 * @module
 */
import type { Settings } from "../../config/plan.ts";
import { codingWeight } from "../../exchange/accept_encoding.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/fields.ts";
import { formatHttpDate } from "../../exchange/http_date.ts";
import { LocalResponse } from "../../exchange/local_response.ts";
import { bodyOf, bodyOfPieces } from "./body.ts";
import { Conditions, evaluate, type Validators } from "./conditions.ts";
import { expiryFields } from "./expiry.ts";
import type { FoundFile, Search } from "./find.ts";
import { Absent, type Entry, open } from "./folders.ts";
import { contentType } from "./media_type.ts";
import { multipart } from "./multipart.ts";
import { type Range, rangesOf } from "./ranges.ts";

/** What is sent: the file itself, or a compressed one beside it. */
interface Representation {
  readonly entry: Entry;
  /** `br` or `gzip`; null for the file itself. */
  readonly coding: string | null;
  /** Whether another client may get another one. */
  readonly varies: boolean;
}

/** One answer. */
export class FileAnswer {
  readonly #settings: Settings;
  readonly #conditions: Conditions;
  /** Whether a body has the file, which then closes it. */
  #sending = false;

  constructor(
    readonly found: FoundFile,
    readonly search: Search,
    readonly exchange: Exchange,
  ) {
    this.#settings = search.location.settings;
    const { fields: { onward }, rerouting } = exchange;
    // As in nginx, the page of an error is sent whole, whatever the client has.
    const isPage = rerouting !== null && rerouting.status !== 0;
    this.#conditions = new Conditions(
      isPage ? onward.filter(([name]) => name === "accept-encoding") : onward,
    );
  }

  /** Opens the file, also for a HEAD: only that tells whether a GET would get it. */
  answer(): Response | LocalResponse | Absent {
    const sent = this.representation();
    const { entry } = sent;
    const file = open(entry);
    if (file instanceof Absent) return file;
    try {
      // Of what is open: another one may have taken its name.
      const sending = this.exchange.method === "HEAD" ? null : file;
      return this.#respond(sent, file.statSync(), sending);
    } catch (error) {
      return new Absent(
        500,
        `${entry.path} can't be read: ${(error as Error).message}`,
      );
    } finally {
      if (!this.#sending) file.close();
    }
  }

  /** `gzip_static` and `brotli_static`: the one that the client likes best. */
  representation(): Representation {
    const { gzip_static: gzip, brotli_static: brotli } = this.#settings;
    const { entry } = this.found;
    if (!gzip && !brotli) return { entry, coding: null, varies: false };
    const { acceptEncoding } = this.#conditions;
    const ofBrotli = codingWeight(acceptEncoding, "br");
    const ofGzip = codingWeight(acceptEncoding, "gzip");
    const all = [
      { coding: "br", suffix: ".br", on: brotli, weight: ofBrotli },
      { coding: "gzip", suffix: ".gz", on: gzip, weight: ofGzip },
    ];
    if (ofGzip > ofBrotli) all.reverse();
    let varies = false;
    for (const { coding, suffix, on, weight } of all) {
      const beside = on ? this.search.beside(this.found, suffix) : null;
      if (beside === null) continue;
      // Also where this client does not take it: a cache must know.
      varies = true;
      if (weight > 0) return { entry: beside, coding, varies };
    }
    return { entry, coding: null, varies };
  }

  /** @param file Null for a HEAD. */
  #respond(
    sent: Representation,
    info: Deno.FileInfo,
    file: Deno.FsFile | null,
  ): Response | LocalResponse {
    const { size, mtime } = info;
    const settings = this.#settings;
    // Some file systems know no time.
    const lastModified = Math.floor((mtime?.getTime() ?? 0) / 1000);
    const validators: Validators = {
      etag: settings.etag
        ? `"${lastModified.toString(16)}-${size.toString(16)}"`
        : null,
      lastModified,
    };
    const status = evaluate(
      this.#conditions,
      validators,
      settings.if_modified_since,
    );
    if (status === 412) {
      return new LocalResponse(
        412,
        "The file is not what the request expects.",
      );
    }
    const fields = this.#fields(sent, validators);
    if (status === 304) return responseOf(null, 304, fields);
    // As in nginx, a compressed file is sent whole.
    const most = sent.coding === null ? settings.max_ranges : 0;
    const ranges = rangesOf(this.#conditions, validators, size, most);
    const type = contentType(
      this.found.name || this.found.entry.path,
      settings,
    );
    if (sent.coding !== null) fields.push(["content-encoding", sent.coding]);
    if (ranges === null) {
      fields.push(["content-type", type]);
      if (most > 0) fields.push(["accept-ranges", "bytes"]);
      return this.#part({ start: 0, end: size }, 200, fields, info, file);
    }
    const [range, ...others] = ranges;
    if (range === undefined) {
      return new LocalResponse(416, "The file has no such part.", null, [
        ["content-range", `bytes */${size}`],
      ]);
    }
    if (others.length === 0) {
      const { start, end } = range;
      fields.push(
        ["content-type", type],
        ["content-range", `bytes ${start}-${end - 1}/${size}`],
      );
      return this.#part(range, 206, fields, info, file);
    }
    const parts = multipart(ranges, type, size);
    fields.push(
      ["content-type", parts.type],
      ["content-length", String(parts.length)],
    );
    if (file === null) return responseOf(null, 206, fields);
    this.#sending = true;
    const body = bodyOfPieces(file, parts.pieces, this.exchange);
    return responseOf(body, 206, fields);
  }

  #part(
    range: Range,
    status: number,
    fields: Field[],
    info: Deno.FileInfo,
    file: Deno.FsFile | null,
  ): Response {
    fields.push(["content-length", String(range.end - range.start)]);
    if (file === null) return responseOf(null, status, fields);
    this.#sending = true;
    const body = bodyOf(file, range, info, this.exchange);
    return responseOf(body, status, fields);
  }

  /** What a 304 has, too. */
  #fields(
    { varies }: Representation,
    { etag, lastModified }: Validators,
  ): Field[] {
    const { expires, gzip_vary } = this.#settings;
    const fields: Field[] = [["last-modified", formatHttpDate(lastModified)]];
    if (etag !== null) fields.push(["etag", etag]);
    if (varies && gzip_vary) fields.push(["vary", "Accept-Encoding"]);
    if (expires !== null) {
      const now = Math.floor(Date.now() / 1000);
      fields.push(...expiryFields(expires, lastModified, now));
    }
    fields.push(["x-request-id", this.exchange.requestId]);
    return fields;
  }
}

function responseOf(
  body: BodyInit | null,
  status: number,
  fields: readonly Field[],
): Response {
  const response = new Response(body, { status });
  const { headers } = response;
  // To append costs less than to give them to the constructor, which compares
  // each name with all before it (Deno 2.9.6).
  for (const [name, value] of fields) headers.append(name, value);
  return response;
}
