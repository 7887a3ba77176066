/**
 * Conditional requests for files, as nginx answers them
 * (ngx_http_not_modified_filter_module): where a client sends both
 * `If-None-Match` and `If-Modified-Since`, both must hold for a 304.
 *
 * @module
 */
import type { Field } from "../../exchange/fields.ts";
import { parseHttpDate } from "../../exchange/http_date.ts";

/** The fields of a request that its answer depends on; null for none. */
export class Conditions {
  ifMatch: string | null = null;
  ifModifiedSince: string | null = null;
  ifNoneMatch: string | null = null;
  ifRange: string | null = null;
  ifUnmodifiedSince: string | null = null;
  range: string | null = null;
  acceptEncoding: string | null = null;

  /** @param fields Of the request. */
  constructor(fields: readonly Field[]) {
    for (let i = 0; i < fields.length; i++) {
      const [name, value] = fields[i] as Field;
      switch (name) {
        case "accept-encoding":
          this.acceptEncoding = value;
          break;
        case "if-match":
          this.ifMatch = value;
          break;
        case "if-modified-since":
          this.ifModifiedSince = value;
          break;
        case "if-none-match":
          this.ifNoneMatch = value;
          break;
        case "if-range":
          this.ifRange = value;
          break;
        case "if-unmodified-since":
          this.ifUnmodifiedSince = value;
          break;
        case "range":
          this.range = value;
          break;
      }
    }
  }
}

/** What conditions are compared with. */
export interface Validators {
  /** Null for `etag off`. */
  readonly etag: string | null;
  /** In whole seconds since 1970. */
  readonly lastModified: number;
}

/**
 * The status of a conditional request.
 *
 * @param unmodified nginx's `if_modified_since`.
 * @returns 200 for what is to be sent.
 */
export function evaluate(
  conditions: Conditions,
  { etag, lastModified }: Validators,
  unmodified: "exact" | "before" | "off",
): 200 | 304 | 412 {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } =
    conditions;
  if (
    ifUnmodifiedSince !== null &&
    // NaN for what is no date: nginx refuses that too.
    !(lastModified <= parseHttpDate(ifUnmodifiedSince))
  ) return 412;
  if (ifMatch !== null && !matches(ifMatch, etag, false)) return 412;
  if (ifModifiedSince === null && ifNoneMatch === null) return 200;
  if (
    ifModifiedSince !== null &&
    isModified(parseHttpDate(ifModifiedSince), lastModified, unmodified)
  ) return 200;
  if (ifNoneMatch !== null && !matches(ifNoneMatch, etag, true)) return 200;
  return 304;
}

function isModified(
  since: number,
  lastModified: number,
  unmodified: "exact" | "before" | "off",
): boolean {
  if (unmodified === "off") return true;
  if (unmodified === "exact") return since !== lastModified;
  return !(since >= lastModified);
}

/**
 * Whether a list of entity tags has that of the file (RFC 9110 section 8.8.3).
 *
 * @param weak Whether `W/"a"` is as good as `"a"`.
 */
function matches(list: string, etag: string | null, weak: boolean): boolean {
  if (list === "*") return true;
  if (etag === null) return false;
  if (list === etag) return true;
  for (const part of list.split(",")) {
    const tag = part.trim();
    if ((weak ? tag.replace(/^W\//, "") : tag) === etag) return true;
  }
  return false;
}
