/**
 * An answer that is another path of the same server: nginx's internal redirect.
 *
 * @module
 */
import { parseTarget, type Target } from "../route/path.ts";
import { escapePath } from "../route/target.ts";

/** Goes through the locations again; the client does not see it. */
export class InternalRedirect {
  /**
   * @param path Decoded, a byte string; begins with `/`.
   * @param args A query without its `?`, as a client would send it.
   */
  constructor(readonly path: string, readonly args: string) {}

  /** What takes the place of the request's own; null where it is no valid path. */
  get target(): Target | null {
    const { path, args } = this;
    const raw = escapePath(path) + (args === "" ? "" : `?${args}`);
    return parseTarget(raw);
  }
}
