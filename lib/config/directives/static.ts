/**
 * Files: which folder a location serves, and which of its files.
 *
 * @module
 */
import * as v from "valibot";
import { utf8Bytes } from "../../route/bytes.ts";
import { plainText } from "../plain_text.ts";
import { byType, list, parsedBy, text } from "../schema_parts.ts";
import { expected, quote, ValueError } from "../words.ts";
import { allowedIn, inherited, unset } from "./directive.ts";
import { type TryFiles, TryFilesValue } from "./try_files.ts";
import { Count, Toggle } from "./values.ts";

/** A location that answers with files. */
export interface StaticPlan {
  readonly kind: "static";
  /** Absolute, without a slash at its end but for `/`; of an `alias` it may be a file. */
  readonly folder: string;
  /**
   * The part of a request's path that is not looked for in the folder (byte
   * string): `""` for `root`, the location's prefix for `alias`.
   */
  readonly aliased: string;
  readonly tryFiles: TryFiles | null;
  /** As written: `root dist`. */
  readonly written: string;
  /** Where the config says so, for messages: `locations["/"].root`. */
  readonly declaredAt: string;
}

const FOLDER_WORDS = "a folder such as dist or /srv/www";

const Folder = v.pipe(
  text(FOLDER_WORDS),
  parsedBy((written): string | null => {
    const folder = plainText(written);
    if (folder.trim() === "" || folder.includes("\0")) {
      throw new ValueError(expected(FOLDER_WORDS, written));
    }
    if (folder.startsWith("~/")) {
      throw new ValueError(
        `${quote(folder)}: "~" is not supported (write \${HOME}${
          folder.slice(1)
        })`,
      );
    }
    return folder;
  }),
);

/** The files that stand for a folder; the last may be a path, byte strings. */
export interface Index {
  readonly names: readonly string[];
  /** Where an internal redirect leads to if none of the names is there. */
  readonly path: string | null;
}

const INDEX_WORDS = `files such as "index.html index.htm", or a list of them`;

function parseIndex(words: readonly string[]): Index {
  if (words.length === 0) throw new ValueError(expected(INDEX_WORDS, ""));
  const all = words.map((word) => utf8Bytes(plainText(word)));
  const last = all.at(-1) ?? "";
  const path = last.startsWith("/") ? last : null;
  const names = path === null ? all : all.slice(0, -1);
  const wrong = names.find((name) => /^\/|(^|\/)\.{0,2}(\/|$)/.test(name));
  if (wrong !== undefined) {
    throw new ValueError(
      wrong.startsWith("/")
        ? `${quote(wrong)}: only the last one may be a path`
        : `${quote(wrong)} is no name of a file`,
    );
  }
  return { names, path };
}

const IndexValue = byType(INDEX_WORDS, [
  v.pipe(
    v.string(),
    parsedBy((written) => parseIndex(written.split(/\s+/).filter(Boolean))),
  ),
  v.pipe(
    list(INDEX_WORDS, text("a file such as index.html")),
    parsedBy((words: string[]) => parseIndex(words)),
  ),
]);

/** What `disable_symlinks` says of links; `outside` is not nginx's. */
export type Links = "off" | "outside" | "on";

const LINKS_WORDS = `"outside", "on" or "off"`;

const LINKS: ReadonlyMap<unknown, Links> = new Map<unknown, Links>([
  ["outside", "outside"],
  ["off", "off"],
  [false, "off"],
  ["on", "on"],
  [true, "on"],
]);

function parseLinks(written: string | boolean): Links {
  const links = LINKS.get(written);
  if (links !== undefined) return links;
  const hint = String(written).startsWith("if_not_owner")
    ? ` (if_not_owner is not supported)`
    : "";
  throw new ValueError(expected(LINKS_WORDS, written) + hint);
}

const LinksValue = byType(LINKS_WORDS, [
  v.pipe(v.boolean(), parsedBy<boolean, Links>(parseLinks)),
  v.pipe(
    v.string(),
    v.metadata({ enum: ["outside", "on", "off"] }),
    parsedBy<string, Links>(parseLinks),
  ),
]);

/** Only `off`: what a folder has in it is not to be seen. */
const Autoindex = v.pipe(
  Toggle,
  parsedBy((on) => {
    if (on) {
      throw new ValueError(
        `lists of a folder's files are not supported: only "off"`,
      );
    }
    return on;
  }),
);

export const files = {
  root: inherited(
    Folder,
    unset<string | null>(null),
    "The folder that files are in: a request for /a/b.css gets the file a/b.css " +
      "in it. A relative one is looked for from the config file's folder. A " +
      "location with a root of its own or above it, and no proxy_pass or " +
      "return, answers with files.",
  ),
  alias: allowedIn(
    ["location"],
    Folder,
    undefined,
    "The folder (or file) in place of the location's prefix: with /img/ and " +
      "alias /srv/pictures/, a request for /img/a.png gets /srv/pictures/a.png.",
  ),
  index: inherited(
    IndexValue,
    "index.html",
    "The file that answers for a folder, or several: the first that is there. " +
      "The last may be a path, to be answered in its place.",
  ),
  try_files: allowedIn(
    ["location"],
    TryFilesValue,
    undefined,
    "Which files to look for, in order, and what answers if none is there: a " +
      "path, which goes through the locations again, or a status. `$uri " +
      "/index.html` is for a single-page application, `$uri =404` for files " +
      "alone. A slash at the end stands for a folder.",
  ),
  gzip_static: inherited(
    Toggle,
    false,
    "Whether a client that accepts gzip gets NAME.gz in place of NAME, if it " +
      "is there.",
  ),
  brotli_static: inherited(
    Toggle,
    false,
    "Whether a client that accepts br gets NAME.br in place of NAME, if it is " +
      "there. It goes before NAME.gz.",
  ),
  autoindex: inherited(
    Autoindex,
    false,
    "Lists of a folder's files are not supported: only `off`.",
  ),
  disable_symlinks: inherited(
    LinksValue,
    "outside",
    "Which links in a root or alias are refused with 403: those that lead out " +
      "of it (outside), all (on), or none (off, nginx's default).",
  ),
  hidden_files: inherited(
    Toggle,
    false,
    "Whether files and folders whose names begin with a dot are served. If " +
      "not, they are as if they were not there, but for /.well-known/.",
  ),
  max_ranges: inherited(
    Count,
    100,
    "The most ranges of a file in one response; a request for more gets the " +
      "whole file. 0: ranges are ignored.",
  ),
};
