/**
 * Which location takes a path: nginx's `location` directive.
 *
 * @module
 */
import { readable } from "./bytes.ts";
import { compileTrie, type PrefixTrie, stateOf } from "./prefix_trie.ts";
import { compileRegex, type PathTest } from "./regex.ts";

/**
 * What a location is found by. `path` and `source` are byte strings (see
 * bytes.ts). `exact` is `=` in nginx, `preferential` is `^~`.
 */
export type LocationKey =
  | {
    kind: "exact" | "prefix" | "preferential";
    /** Begins with `/`. */
    path: string;
    /**
     * Whether a request for `path` without its final slash is redirected to it,
     * as nginx does for locations with a `proxy_pass`.
     */
    autoRedirect?: boolean;
  }
  | {
    kind: "regex";
    /**
     * A JavaScript regular expression. Beyond ASCII `ignoreCase` also equates
     * bytes that are the same letter in Latin-1; nginx does not.
     */
    source: string;
    ignoreCase: boolean;
  };

type PathKey = Exclude<LocationKey, { kind: "regex" }>;

/** A location of the config. */
export interface LocationEntry<L> {
  readonly key: LocationKey;
  readonly value: L;
}

/** The result of a search. It is made when the table is compiled, so that a search allocates nothing. */
export interface Match<L> {
  /** `redirect`: answer with 301 and the location's own path, which ends with a slash. */
  readonly kind: "found" | "redirect";
  readonly location: L;
  readonly key: LocationKey;
}

interface Prefix<L> {
  readonly match: Match<L>;
  /** Whether regular expressions are not tested. */
  readonly preferential: boolean;
}

interface Regex<L> {
  readonly expression: PathTest;
  readonly match: Match<L>;
}

/** The locations of one server, compiled. */
export interface LocationTable<L> {
  /** In the order of the file. */
  readonly entries: readonly LocationEntry<L>[];
  readonly trie: PrefixTrie;
  /** The prefix that ends at a row of the trie. */
  readonly prefixes: readonly (Prefix<L> | null)[];
  /** The match for exactly the path that ends at a row of the trie, before regular expressions. */
  readonly finals: readonly (Match<L> | null)[];
  /** In the order of the file. */
  readonly regexes: readonly Regex<L>[];
}

/**
 * Compiles the locations of a server. Of two equal keys the first is used; the
 * config reports them as an error.
 *
 * @throws {SyntaxError} for an invalid regular expression.
 */
export function compileLocations<L>(
  entries: readonly LocationEntry<L>[],
): LocationTable<L> {
  const exact = new Map<string, Match<L>>();
  const prefix = new Map<string, Prefix<L>>();
  const redirect = new Map<string, Match<L>>();
  const regexes: Regex<L>[] = [];
  for (const { key, value: location } of entries) {
    const match: Match<L> = { kind: "found", location, key };
    if (key.kind === "regex") {
      const expression = compileRegex(key.source, key.ignoreCase);
      regexes.push({ expression, match });
      continue;
    }
    const { path } = key;
    if (key.kind === "exact") {
      if (!exact.has(path)) exact.set(path, match);
    } else if (!prefix.has(path)) {
      prefix.set(path, { match, preferential: key.kind === "preferential" });
    }
    if (key.autoRedirect && path.length > 1 && path.endsWith("/")) {
      const bare = path.slice(0, -1);
      if (!redirect.has(bare)) {
        redirect.set(bare, { kind: "redirect", location, key });
      }
    }
  }

  const trie = compileTrie(
    [...prefix.keys()],
    [...exact.keys(), ...redirect.keys()],
  );
  const rows = trie.next.length / trie.width;
  const prefixes = new Array<Prefix<L> | null>(rows).fill(null);
  const finals = new Array<Match<L> | null>(rows).fill(null);
  const rowOf = (path: string) => stateOf(trie, path) / trie.width;
  for (const [path, found] of prefix) prefixes[rowOf(path)] = found;
  for (const [path, match] of redirect) {
    // A location for the path itself takes precedence over one with a slash.
    if (!prefix.has(path)) finals[rowOf(path)] = match;
  }
  for (const [path, match] of exact) finals[rowOf(path)] = match;
  return { entries, trie, prefixes, finals, regexes };
}

/**
 * Finds the location of a path in nginx's order of precedence: the exact one; the
 * redirect to a missing final slash; the longest prefix if it is preferential; the
 * first regular expression that matches; the longest prefix.
 *
 * @param path Normalised: `Target.path`.
 * @returns Null if there is none: nginx's 404.
 */
export function findLocation<L>(
  table: LocationTable<L>,
  path: string,
): Match<L> | null {
  const { columns, next, width, root, firstEnd } = table.trie;
  const length = path.length;
  let state = root;
  let longest = 0;
  for (let i = 0; i < length; i++) {
    state = next[state + (columns[path.charCodeAt(i)] ?? 0)] ?? 0;
    if (state === 0) break;
    if (state >= firstEnd) longest = state;
  }
  const final = table.finals[state / width];
  if (final) return final;
  const prefix = table.prefixes[longest / width];
  if (!prefix?.preferential) {
    const { regexes } = table;
    for (let i = 0; i < regexes.length; i++) {
      const regex = regexes[i];
      if (regex?.expression.test(path)) return regex.match;
    }
  }
  return prefix ? prefix.match : null;
}

/** What `findLocation` finds, and the reason in words. */
export function explainLocation<L>(
  table: LocationTable<L>,
  path: string,
): { match: Match<L> | null; why: string } {
  const match = findLocation(table, path);
  return { match, why: why(table, path, match) };
}

function why<L>(
  table: LocationTable<L>,
  path: string,
  match: Match<L> | null,
): string {
  if (match === null) return "no location matches";
  const { key } = match;
  if (match.kind === "redirect") return `${keyText(key)} without its slash`;
  const locations = `${table.entries.length} location` +
    (table.entries.length === 1 ? "" : "s");
  switch (key.kind) {
    case "exact":
      return "exact";
    case "preferential":
      return `longest prefix of ${locations}; ` +
        "^~ keeps regular expressions from being asked";
    case "prefix":
      return `longest prefix of ${locations}` +
        (table.regexes.length === 0 ? "" : "; no regular expression matches");
    case "regex": {
      const prefix = longestPrefix(table, path);
      return `regular expression ${keyText(key)} ` +
        (prefix === null
          ? "matches, and no prefix does"
          : `comes before prefix ${keyText(prefix)}`);
    }
  }
}

/** The longest prefix of a path, preferential or not; null for none. */
export function longestPrefix<L>(
  table: LocationTable<L>,
  path: string,
): PathKey | null {
  let longest: PathKey | null = null;
  for (const { key } of table.entries) {
    if (key.kind !== "prefix" && key.kind !== "preferential") continue;
    if (!path.startsWith(key.path)) continue;
    if (longest === null || key.path.length > longest.path.length) {
      longest = key;
    }
  }
  return longest;
}

/** A key as nginx writes it: `/api`, `= /exact`, `^~ /images/`, `~* \.php$`. */
export function keyText(key: LocationKey): string {
  switch (key.kind) {
    case "prefix":
      return readable(key.path);
    case "exact":
      return `= ${readable(key.path)}`;
    case "preferential":
      return `^~ ${readable(key.path)}`;
    case "regex":
      return `${key.ignoreCase ? "~*" : "~"} ${readable(key.source)}`;
  }
}
