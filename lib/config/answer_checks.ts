/**
 * The checks of a config that concern answers: what `return` takes of a regular
 * expression, and where error pages are to be found.
 *
 * @module
 */
import {
  compileLocations,
  findLocation,
  type LocationKey,
} from "../route/location.ts";
import type { Path, Report } from "./config_error.ts";
import type { ErrorPage, ErrorPages } from "./directives/error_page.ts";
import type { RewriteRule } from "./directives/rewrite.ts";
import type { RedirectPlan, ReturnPlan } from "./directives/return.ts";
import { groupsOf } from "./regex.ts";
import { quote } from "./words.ts";

/** What the checks read of a block; what was refused is undefined. */
export interface ReadAnswers {
  readonly error_page?: ErrorPages | undefined;
  readonly rewrite?: readonly RewriteRule[] | undefined;
  readonly return?: ReturnPlan | RedirectPlan | undefined;
}

interface ReadServer extends ReadAnswers {
  readonly locations?:
    | readonly {
      readonly written: string;
      readonly key: LocationKey | undefined;
      readonly value: ReadAnswers | undefined;
    }[]
    | undefined;
}

/** A block of the config, and where it stands. */
interface Level {
  readonly block: ReadAnswers;
  readonly path: Path;
}

/** Reports what is wrong, each thing once. */
export function checkAnswers(
  top: ReadAnswers,
  servers: readonly { readonly server: ReadServer; readonly path: Path }[],
  report: Report,
  warn: Report,
): void {
  const told = new Set<string>();
  const once = (path: Path, message: string) => {
    const key = JSON.stringify([path, message]);
    if (!told.has(key)) report(path, message);
    told.add(key);
  };
  for (const { server, path } of servers) {
    const outer: Level = { block: server, path };
    checkRules(outer, warn);
    checkServerReturn(server, path, once);
    checkCaptures(outer, 0, server, once);
    checkPages([outer, { block: top, path: [] }], server, once);
    for (const { written, key, value } of server.locations ?? []) {
      if (value === undefined) continue;
      const location = { block: value, path: [...path, "locations", written] };
      checkRules(location, warn);
      checkCaptures(location, groupsOfKey(key), server, once);
      checkPages([location, outer, { block: top, path: [] }], server, once);
    }
  }
}

function checkRules({ block, path }: Level, warn: Report): void {
  // What was refused comes out as it is written.
  const rules = block.rewrite ?? [];
  if (!Array.isArray(rules)) return;
  for (const [i, rule] of rules.entries()) {
    const at = rules.length === 1 ? [] : [i];
    if (rule?.risk) warn([...path, "rewrite", ...at], rule.risk);
  }
}

function checkServerReturn(
  server: ReadServer,
  path: Path,
  report: Report,
): void {
  if (!Object.hasOwn(server, "return") || server.locations === undefined) {
    return;
  }
  report(
    [...path, "return"],
    "with this no request reaches the locations (write it in a location)",
  );
}

/** As many as a `return` may use; a key that was refused has enough. */
function groupsOfKey(key: LocationKey | undefined): number {
  if (key === undefined) return Infinity;
  return key.kind === "regex" ? groupsOf(key.source).count : 0;
}

function checkCaptures(
  { block, path }: Level,
  groups: number,
  server: ReadServer,
  report: Report,
): void {
  const captures = block.return?.captures ?? 0;
  // A rewrite that matched before has groups of its own.
  const rewrites = Object.hasOwn(block, "rewrite") ||
    Object.hasOwn(server, "rewrite");
  if (captures <= groups || rewrites) return;
  report(
    [...path, "return"],
    groups === 0
      ? `$${captures} is never set: the location has no regular expression ` +
        "with groups (write ~ and one as its key)"
      : `$${captures} is never set: the location's regular expression has ` +
        `only ${groups} group${groups === 1 ? "" : "s"}`,
  );
}

/** Whether the pages in effect at a level are there. */
function checkPages(
  levels: readonly Level[],
  server: ReadServer,
  report: Report,
): void {
  const level = levels.find(({ block }) => (block.error_page?.size ?? 0) > 0);
  // Where the server rewrites, anything may become of it.
  const { locations = [] } = server;
  if (
    level === undefined || locations.length === 0 ||
    Object.hasOwn(server, "rewrite")
  ) return;
  const table = compileLocations(
    locations.flatMap(({ key }) =>
      key === undefined ? [] : [{ key, value: null }]
    ),
  );
  for (const page of new Set(level.block.error_page?.values())) {
    const path = literalPath(page);
    if (path === null || findLocation(table, path) !== null) continue;
    report(
      [...level.path, "error_page"],
      `no location takes ${quote(path)} (add one, such as "= ${path}": ` +
        `{return: [200, "…"], internal: true})`,
    );
  }
}

function literalPath(page: ErrorPage): string | null {
  return page.kind === "uri" ? page.literal : null;
}
