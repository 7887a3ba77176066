/**
 * The live page and what belongs to it: files beside this one, taken along into
 * the executable as texts.
 *
 * @module
 */
import html from "./live.html" with { type: "text" };
import script from "./live.js" with { type: "text" };
import style from "./live.css" with { type: "text" };

/** A file, by the path under which it is served. */
export interface PageFile {
  readonly type: string;
  readonly text: string;
}

export const PAGE: Readonly<Record<string, PageFile>> = {
  "/": { type: "text/html; charset=utf-8", text: html },
  "/live.css": { type: "text/css; charset=utf-8", text: style },
  "/live.js": { type: "text/javascript; charset=utf-8", text: script },
};
