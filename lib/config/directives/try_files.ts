/**
 * `try_files`: the first of several files that is there (nginx's
 * ngx_http_try_files_module).
 *
 * @module
 */
import * as v from "valibot";
import { byType, list, parsedBy, text } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { quote, ValueError } from "../words.ts";

/** What is looked for, in order, and what answers where nothing is there. */
export interface TryFiles {
  readonly candidates: readonly Candidate[];
  readonly last: InternalUri | { readonly status: number };
}

/** One file or folder. */
export interface Candidate {
  readonly written: string;
  /** Renders to a path (byte string); without the slash of a folder. */
  readonly path: Template;
  /** Written with a slash at its end: only a folder will do. */
  readonly folder: boolean;
}

/** Where an internal redirect leads to. */
export interface InternalUri {
  readonly written: string;
  /** Renders to a decoded path (byte string). */
  readonly path: Template;
  /** Renders to a query without its `?`. */
  readonly args: Template;
}

const WORDS = `files and what answers without them, such as "$uri /index.html"`;

function parseTryFiles(parts: readonly string[]): TryFiles {
  const last = parts.at(-1);
  if (last === undefined || parts.length < 2) {
    throw new ValueError(
      `expected ${WORDS}, got ${
        last === undefined ? "nothing" : `${quote(last)} alone (add "=404")`
      }`,
    );
  }
  return {
    candidates: parts.slice(0, -1).map(parseCandidate),
    last: parseLast(last),
  };
}

function parseCandidate(written: string): Candidate {
  if (written.startsWith("=")) {
    throw new ValueError(`${quote(written)} must be the last`);
  }
  const path = leadsFromRoot(written);
  const folder = path.endsWith("/");
  return {
    written,
    path: compileTemplate(folder ? path.slice(0, -1) : path),
    folder,
  };
}

function parseLast(written: string): TryFiles["last"] {
  if (written.startsWith("=")) {
    const status = Number(written.slice(1));
    if (!(/^=\d{3}$/.test(written) && status >= 400 && status <= 599)) {
      throw new ValueError(
        `${quote(written)}: the status must be 400 to 599`,
      );
    }
    return { status };
  }
  // It would lead to itself until nginx answers 500.
  if (/^\$(uri|\{uri\}|document_uri|\{document_uri\})\/?$/.test(written)) {
    throw new ValueError(
      `the last one is no file but a new path, and ${quote(written)} leads ` +
        `back here (add "=404" behind it)`,
    );
  }
  const uri = leadsFromRoot(written);
  // A "?" that comes out of a variable is a letter of the path.
  const query = /\?|\$is_args\b|\$\{is_args\}/.exec(uri);
  const end = query?.index ?? uri.length;
  return {
    written,
    path: compileTemplate(uri.slice(0, end)),
    args: compileTemplate(uri.slice(end + (query?.[0].length ?? 0))),
  };
}

/** @throws {ValueError} If it does not begin with a slash or a variable. */
function leadsFromRoot(written: string): string {
  if (written.startsWith("@")) {
    throw new ValueError(
      `${quote(written)}: named locations are not supported (write the path ` +
        `of another location, or "=404")`,
    );
  }
  if (written.endsWith(";")) {
    throw new ValueError(`${quote(written)}: no semicolon at the end here`);
  }
  if (/^https?:/.test(written)) {
    throw new ValueError(
      `${quote(written)}: only a path of this server can be tried`,
    );
  }
  if (!/^[/$]/.test(written)) {
    throw new ValueError(
      `${quote(written)} must start with "/" (did you mean ${
        quote(`/${written}`)
      }?)`,
    );
  }
  return written;
}

/** Several words, or a list of them. */
export const TryFilesValue = byType(WORDS, [
  v.pipe(
    v.string(),
    parsedBy((written) => parseTryFiles(written.split(/\s+/).filter(Boolean))),
  ),
  v.pipe(
    list(WORDS, text("a path such as $uri, or =404")),
    parsedBy((parts: string[]) => parseTryFiles(parts)),
  ),
]);
