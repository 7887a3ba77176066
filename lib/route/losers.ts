/**
 * Why the locations that do not take a path don't: what `explain` tells beside
 * the one that does.
 *
 * @module
 */
import {
  keyText,
  type LocationEntry,
  type LocationTable,
  longestPrefix,
  type Match,
} from "./location.ts";
import { compileRegex } from "./regex.ts";

/** A location that does not take the path. */
export interface Loser {
  /** As nginx writes it. */
  readonly key: string;
  readonly why: string;
  /** Whether it would take the path if the others were not there. */
  readonly matches: boolean;
}

/**
 * The locations of a server that do not take a path, in the order of the file.
 *
 * @param match What `findLocation` says.
 */
export function losersOf<L>(
  table: LocationTable<L>,
  path: string,
  match: Match<L> | null,
): Loser[] {
  const longest = longestPrefix(table, path);
  const winner = table.entries.findIndex(({ key }) => key === match?.key);
  return table.entries.flatMap((entry, at): Loser[] => {
    if (at === winner) return [];
    const matches = takes(entry, path);
    const why = matches
      ? whyAfter(entry, at > winner, longest, match)
      : whyNot(entry);
    return [{ key: keyText(entry.key), why, matches }];
  });
}

/** Whether a location would take the path, were it the only one. */
function takes<L>({ key }: LocationEntry<L>, path: string): boolean {
  switch (key.kind) {
    case "exact":
      return path === key.path;
    case "regex":
      return compileRegex(key.source, key.ignoreCase).test(path);
    default:
      return path.startsWith(key.path);
  }
}

function whyNot<L>({ key }: LocationEntry<L>): string {
  switch (key.kind) {
    case "exact":
      return "it takes exactly this path and no other";
    case "regex":
      return "it does not match";
    default:
      return "the path does not begin with it";
  }
}

/** Why one that matches comes after the winner. */
function whyAfter<L>(
  { key }: LocationEntry<L>,
  isBelow: boolean,
  longest: LocationTable<L>["entries"][number]["key"] | null,
  match: Match<L> | null,
): string {
  const won = match === null ? "" : keyText(match.key);
  if (match?.kind === "redirect") {
    return `the redirect to ${won} comes before all others`;
  }
  const isPath = key.kind === "prefix" || key.kind === "preferential";
  if (isPath && longest !== null && longest !== key) {
    return `${keyText(longest)} is a longer prefix`;
  }
  switch (match?.key.kind) {
    case "exact":
      return `the exact ${won} comes before all others`;
    case "preferential":
      return `${won} keeps regular expressions from being asked`;
    default:
      return isPath
        ? `the regular expression ${won} comes before prefixes`
        : isBelow
        ? `${won} stands above it`
        : "it is not asked";
  }
}
