/**
 * `sameorigin explain`: which file answers a request.
 *
 * @module
 */
import type { LocationPlan, StaticPlan } from "../config/plan.ts";
import { FileAnswer } from "../content/static/file_answer.ts";
import { type Elsewhere, Search } from "../content/static/find.ts";
import { Absent, Folders } from "../content/static/folders.ts";
import { contentType } from "../content/static/media_type.ts";
import { folderRedirect } from "../content/static/static.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { InternalRedirect } from "../exchange/internal_redirect.ts";
import { redirectInternally } from "../request/internal_redirect.ts";
import { readable } from "../route/bytes.ts";

/** What is sent of the disk, and what was looked for before it. */
export interface ExplainedFile {
  /** Null where there is none. */
  readonly path: string | null;
  readonly type: string | null;
  /** `root dist`, as the config writes it. */
  readonly written: string;
  /** What was not there, in words. */
  readonly tried: readonly string[];
}

/** A location that has led to another path. */
export interface ExplainedRedirect {
  readonly by: Elsewhere["by"];
  /** Its key. */
  readonly location: string;
  /** The other path. */
  readonly to: string;
}

/** What a location with files has to say. */
export interface ExplainedFiles {
  readonly file: ExplainedFile;
  /** Null where a file is sent. */
  readonly answer:
    | { phase: "content"; status: number; reason: string; location?: string }
    | null;
}

/**
 * Looks for the file, as a request does.
 *
 * @param redirects Those before.
 * @returns The redirects with one more where the exchange is to be routed again.
 */
export function explainFiles(
  exchange: Exchange,
  location: LocationPlan,
  plan: StaticPlan,
  redirects: readonly ExplainedRedirect[],
): ExplainedFiles | { redirects: readonly ExplainedRedirect[] } {
  const search = new Search(location, plan, new Folders(), true);
  const found = search.find(exchange);
  const tried = search.tried ?? [];
  const { written } = plan;
  const none = { path: null, type: null, written, tried };
  if (found instanceof Absent) {
    const { status, why: reason } = found;
    return { file: none, answer: { phase: "content", status, reason } };
  }
  switch (found.kind) {
    case "elsewhere": {
      const { target, by } = found;
      const redirect = new InternalRedirect(target, [], true);
      const failed = redirectInternally(redirect, exchange);
      if (failed !== "again") {
        const { status, detail: reason } = failed;
        return { file: none, answer: { phase: "content", status, reason } };
      }
      const to = readable(exchange.path);
      return { redirects: [...redirects, { by, location: location.key, to }] };
    }
    case "folder": {
      const { status, detail, headers } = folderRedirect(found, exchange);
      const url = headers.find(([name]) => name === "location")?.[1] ?? "";
      return {
        file: none,
        answer: {
          phase: "content",
          status,
          reason: detail,
          location: readable(url),
        },
      };
    }
    case "file": {
      const { entry } = new FileAnswer(found, search, exchange)
        .representation();
      const type = contentType(found.entry.path, location.settings);
      return { file: { path: entry.path, type, written, tried }, answer: null };
    }
  }
}

/** Rows for what comes before the location that answers. */
export function redirectRows(
  redirects: readonly ExplainedRedirect[],
): string[][] {
  return redirects.map(({ by, location, to }) => [
    "redirect",
    by,
    to,
    `by location ${location}`,
  ]);
}

/** Rows for what was looked for, and what was found. */
export function fileRows(file: ExplainedFile | null): string[][] {
  if (file === null) return [];
  const { path, type, written, tried } = file;
  const all = [
    ...tried.map((why) => ["tried", why]),
    ...path === null ? [] : [["file", path, `${written}, ${type}`]],
  ];
  return all.map((row, i) => [i === 0 ? "content" : "", ...row]);
}
