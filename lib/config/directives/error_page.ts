/**
 * `error_page`: what is sent in place of an error (nginx's
 * ngx_http_core_module).
 *
 * @module
 */
import * as v from "valibot";
import { utf8Bytes } from "../../route/bytes.ts";
import { mapOf } from "../schema_map.ts";
import { parsedBy, text } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { expected, quote, ValueError } from "../words.ts";
import { inherited, unset } from "./directive.ts";
import { Toggle } from "./values.ts";

/** What is sent in place of an answer with a certain status. */
export type ErrorPage =
  /** What another URI of this server answers. */
  | {
    readonly kind: "uri";
    /** As it is written: `=200 /empty.gif`. */
    readonly written: string;
    readonly path: Template;
    /** The path as a byte string, where it has no variables in it. */
    readonly literal: string | null;
    readonly args: Template;
    /** The status to send: that of the error, that of the page, or this one. */
    readonly status: "error" | "page" | number;
  }
  /** A redirect. */
  | {
    readonly kind: "redirect";
    readonly written: string;
    readonly status: RedirectStatus;
    readonly url: Template;
  };

/** By status, 300 to 599. */
export type ErrorPages = ReadonlyMap<number, ErrorPage>;

const REDIRECTS = [301, 302, 303, 307, 308] as const;
type RedirectStatus = typeof REDIRECTS[number];

const STATUS_WORDS = `statuses such as "404" or "502 503 504"`;

/** @throws {ValueError} If these are not statuses. */
function parseStatuses(written: string): number[] {
  const words = written.trim().split(/\s+/);
  const statuses = words.map((word) => /^\d{3}$/.test(word) ? +word : NaN);
  for (const status of statuses) {
    if (Number.isNaN(status)) {
      const hint = /,/.test(written) ? " (separate them by spaces)" : "";
      throw new ValueError(expected(STATUS_WORDS, written) + hint);
    }
    if (status < 300 || status > 599) {
      throw new ValueError(
        `the status of an error page must be 300 to 599, got ${status}`,
      );
    }
    if (status === 499) {
      throw new ValueError(
        "499 is for clients that have left: nobody reads it",
      );
    }
  }
  return statuses;
}

const PAGE_WORDS =
  `a path or URL such as /404.html, with "=" or "=STATUS" before it to change ` +
  `the status`;

function parsePage(written: string): ErrorPage {
  const [, equals, code = "", uri = ""] = /^(?:(=)(\d*)\s+)?(\S+)$/.exec(
    written.trim(),
  ) ?? [];
  if (uri === "") throw new ValueError(expected(PAGE_WORDS, written));
  if (uri.endsWith(";")) {
    throw new ValueError(`${quote(uri)}: no semicolon at the end here`);
  }
  if (uri.startsWith("@")) {
    throw new ValueError(
      "named locations are not supported (write a path, and a location for it " +
        "with internal: true)",
    );
  }
  const status = equals === undefined
    ? "error"
    : code === ""
    ? "page"
    : Number(code);
  if (!uri.startsWith("/")) return parseRedirect(written, uri, status);
  if (typeof status === "number" && (status < 200 || status > 599)) {
    throw new ValueError(`the status must be 200 to 599, got ${status}`);
  }
  const [path = "", ...args] = uri.split(/\?(.*)/s);
  if (/#|\/\/|\/\.{1,2}(\/|$)/.test(path)) {
    throw new ValueError(
      `${quote(path)} is never looked for: no "#", "//" or dot segment`,
    );
  }
  return {
    kind: "uri",
    written,
    path: compileTemplate(path),
    literal: path.includes("$") ? null : utf8Bytes(path),
    args: compileTemplate(args[0] ?? ""),
    status,
  };
}

function parseRedirect(
  written: string,
  url: string,
  status: "error" | "page" | number,
): ErrorPage {
  if (!/^(https?:\/\/|\$)/i.test(url)) {
    throw new ValueError(expected(PAGE_WORDS, url));
  }
  const code = REDIRECTS.find((code) => code === status);
  if (typeof status === "number" && code === undefined) {
    throw new ValueError(
      `"=${status}" has no meaning with a URL, which is redirected to (write ` +
        `=301, =302, =303, =307 or =308)`,
    );
  }
  return {
    kind: "redirect",
    written,
    status: code ?? 302,
    url: compileTemplate(url),
  };
}

const Pages = v.pipe(
  mapOf(
    `a map such as {404: /404.html, "502 503 504": /50x.html}`,
    {
      parse: parseStatuses,
      pattern: "^\\s*[345]\\d\\d(\\s+[345]\\d\\d)*\\s*$",
    },
    v.pipe(
      text(PAGE_WORDS),
      v.metadata({ pattern: "^\\s*(=\\d*\\s+)?\\S+\\s*$" }),
      parsedBy((written: string) => parsePage(written)),
    ),
  ),
  // As in nginx, the first one counts.
  v.transform((entries): ErrorPages =>
    new Map(
      entries.toReversed().flatMap(({ key, value }) =>
        key.map((status) => [status, value] as const)
      ),
    )
  ),
);

export const errorPages = {
  error_page: inherited(
    Pages,
    unset<ErrorPages>(new Map()),
    "What is sent in place of the proxy's own error pages: a map from statuses " +
      'to a path of this server, such as {404: /404.html, "502 503 504": ' +
      '/50x.html}, or a URL to redirect to. "= /path" sends the status of that ' +
      'page, "=200 /path" this one. The path is asked for with GET. A level that ' +
      "sets any inherits none.",
  ),
  proxy_intercept_errors: inherited(
    Toggle,
    false,
    "Whether error_page is for what upstreams answer too, from 300 on.",
  ),
};
