/**
 * The live page and what belongs to it: files beside this one, taken along into
 * the executable as texts.
 *
 * @module
 */
import html from "./live.html" with { type: "text" };
import commands from "./commands.js" with { type: "text" };
import differences from "./differences.js" with { type: "text" };
import elements from "./elements.js" with { type: "text" };
import inspector from "./inspector.js" with { type: "text" };
import live from "./live.js" with { type: "text" };
import numbers from "./numbers.js" with { type: "text" };
import replay from "./replay.js" with { type: "text" };
import requests from "./requests.js" with { type: "text" };
import states from "./states.js" with { type: "text" };
import tables from "./tables.js" with { type: "text" };
import tiles from "./tiles.js" with { type: "text" };
import detailStyle from "./detail.css" with { type: "text" };
import liveStyle from "./live.css" with { type: "text" };
import tablesStyle from "./tables.css" with { type: "text" };

/** A file, by the path under which it is served. */
export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** Two ways that become one. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<path d="M1 4h3c3 0 3 4 6 4h5M1 12h3c3 0 3-4 6-4" fill="none" stroke="#4b8cff" stroke-width="2"/></svg>
`;

export const PAGE: Readonly<Record<string, PageFile>> = {
  "/": { type: "text/html; charset=utf-8", text: html },
  "/icon.svg": { type: "image/svg+xml", text: ICON },
  ...files("css", "text/css", {
    live: liveStyle,
    tables: tablesStyle,
    detail: detailStyle,
  }),
  ...files("js", "text/javascript", {
    commands,
    differences,
    elements,
    inspector,
    live,
    numbers,
    replay,
    requests,
    states,
    tables,
    tiles,
  }),
};

/** Texts of one type, by their names. */
function files(
  extension: string,
  type: string,
  texts: Record<string, string>,
): Record<string, PageFile> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [
      `/${name}.${extension}`,
      { type: `${type}; charset=utf-8`, text },
    ]),
  );
}
