/**
 * What `rewrite` and internal redirects make of a request.
 *
 * @module
 */
import type { Field } from "./fields.ts";

/** nginx's NGX_HTTP_MAX_URI_CHANGES: more is taken for a cycle. */
const MOST_CHANGES = 10;

/** How a request has come from its own location to another. */
export class Rerouting {
  #changes = 0;
  /** The rules that have matched, as the config writes them. */
  readonly rules: string[] = [];
  /** Whether it may have an `internal` location: clients can't name one. */
  isInternal = false;
  /**
   * Whether a `break` has changed the URI: the one in `proxy_pass` is not used
   * then, as in nginx.
   */
  isFinal = false;
  /** Whether an error page is under way; it has none itself. */
  isErrorPage = false;
  /** The status to answer with, whatever the content says; 0 for its own. */
  status = 0;
  /** The fields of the answer before, which this one has too. */
  fields: readonly Field[] = [];

  /** @param method The client's: an error page is asked for with GET. */
  constructor(readonly method: string) {}

  /** Counts a change of the URI after which a location is looked for again. */
  change(): "changed" | "cycle" {
    return ++this.#changes > MOST_CHANGES ? "cycle" : "changed";
  }
}
