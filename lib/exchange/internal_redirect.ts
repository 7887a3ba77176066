/**
 * An answer that is to be had at another URI of the same server: nginx's
 * ngx_http_internal_redirect. The client does not hear of it.
 *
 * @module
 */
import type { Target } from "../route/path.ts";
import type { Field } from "./fields.ts";

export class InternalRedirect {
  /**
   * @param target Null for a URI that is none (404).
   * @param fields What the answer gets in any case.
   * @param keepsMethod Whether it stays the client's request, method and body
   * included, as for `index` and `try_files`. For others it is a GET.
   */
  constructor(
    readonly target: Target | null,
    readonly fields: readonly Field[] = [],
    readonly keepsMethod = false,
  ) {}
}
