/**
 * Locations that no request comes to, because another one takes all of them.
 *
 * Only what is certain is told: of two regular expressions nobody can say in
 * general whether one takes all that the other would.
 *
 * @module
 */
import type { LocationEntry, LocationKey, LocationTable } from "./location.ts";

/** A location that is never used, and why. */
export interface Shadowed<L> {
  readonly location: L;
  /** The one that takes its requests. */
  readonly by: L;
}

type RegexKey = LocationKey & { kind: "regex" };

/** All such locations of a server, in the order of the file. */
export function shadowedLocations<L>(
  { entries }: Pick<LocationTable<L>, "entries">,
): Shadowed<L>[] {
  return entries.flatMap((entry, index) => {
    const by = shadowOf(entry, index, entries);
    return by === null ? [] : [{ location: entry.value, by: by.value }];
  });
}

function shadowOf<L>(
  { key }: LocationEntry<L>,
  index: number,
  entries: readonly LocationEntry<L>[],
): LocationEntry<L> | null {
  switch (key.kind) {
    case "exact":
    // Regular expressions are not asked for its paths, and longer prefixes
    // may leave some of them.
    case "preferential":
      return null;
    case "prefix":
      return entries.find((other) =>
        other.key.kind === "regex" && takesAllBelow(other.key, key.path)
      ) ?? null;
    case "regex":
      return entries.find((other, at) =>
        at < index && other.key.kind === "regex" && takesAllOf(other.key, key)
      ) ?? preferentialOver(key, entries);
  }
}

/** Whether a regular expression matches every path that begins with this one. */
function takesAllBelow(
  { source, ignoreCase }: RegexKey,
  path: string,
): boolean {
  const { anchored, text, complete } = literalStart(source);
  // Any path contains it, or begins with it.
  const has = (whole: string, part: string) =>
    anchored ? whole.startsWith(part) : whole.includes(part);
  if (!complete) return false;
  return ignoreCase
    ? has(path.toLowerCase(), text.toLowerCase())
    : has(path, text);
}

/** Whether an earlier regular expression matches all that a later one does. */
function takesAllOf(earlier: RegexKey, later: RegexKey): boolean {
  if (earlier.source === later.source) {
    return earlier.ignoreCase || !later.ignoreCase;
  }
  const start = literalStart(later.source);
  if (start.anchored && !later.ignoreCase) {
    return takesAllBelow(earlier, start.text);
  }
  return takesAllBelow(earlier, "/");
}

/** The `^~` location that keeps all paths from a regular expression. */
function preferentialOver<L>(
  key: RegexKey,
  entries: readonly LocationEntry<L>[],
): LocationEntry<L> | null {
  const { anchored, text } = literalStart(key.source);
  if (!anchored || key.ignoreCase) return null;
  const prefixes = entries.filter(({ key }) =>
    key.kind === "prefix" || key.kind === "preferential"
  ).map((entry) => ({ entry, path: pathOf(entry.key), kind: entry.key.kind }));
  const [over] = prefixes
    .filter(({ path, kind }) =>
      kind === "preferential" && text.startsWith(path)
    )
    .toSorted((one, other) => other.path.length - one.path.length);
  if (over === undefined) return null;
  // A longer prefix that is not preferential lets regular expressions be asked.
  const lets = prefixes.some(({ path, kind }) =>
    kind === "prefix" && path.length > over.path.length &&
    (path.startsWith(text) || text.startsWith(path))
  );
  return lets ? null : over.entry;
}

function pathOf(key: LocationKey): string {
  return key.kind === "regex" ? "" : key.path;
}

/**
 * The text that a regular expression begins with.
 *
 * @returns `complete` says whether whatever follows the text matches too; then
 * the expression is nothing but this text, and perhaps `.*` behind it.
 */
function literalStart(
  source: string,
): { anchored: boolean; text: string; complete: boolean } {
  const anchored = source.startsWith("^");
  let rest = anchored ? source.slice(1) : source;
  // An alternative at the top is anchored by itself.
  if (hasTopAlternative(rest)) {
    return { anchored: false, text: "", complete: false };
  }
  let text = "";
  for (;;) {
    const [token = "", escaped, plain] =
      /^(?:\\([^\da-zA-Z])|([^\\^$.|?*+()[\]{}]))/.exec(rest) ?? [];
    if (token === "") break;
    const after = rest.slice(token.length);
    // A quantifier belongs to the last character.
    if (/^[*?{]/.test(after)) break;
    text += escaped ?? plain;
    rest = after;
    if (rest.startsWith("+")) break;
  }
  // That a dot matches no line feed is left out of account.
  const complete = /^(?:(?:\.\*|\(\.\*\))\$?)?$/.test(rest);
  return { anchored, text, complete };
}

function hasTopAlternative(source: string): boolean {
  let depth = 0;
  for (const [token] of source.matchAll(/\\[^]|\[(?:\\[^]|[^\]\\])*\]|[^]/g)) {
    if (token === "(") depth++;
    if (token === ")") depth--;
    if (token === "|" && depth === 0) return true;
  }
  return false;
}
