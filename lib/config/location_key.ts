/**
 * The keys of `locations`: which paths a location takes.
 *
 * @module
 */
import { utf8Bytes } from "../route/bytes.ts";
import type { LocationKey } from "../route/location.ts";
import { hasControls } from "./plain_text.ts";
import { regexSource } from "./regex.ts";
import { expected, quote, ValueError } from "./words.ts";

/** For editors: what {@link parseLocationKey} takes, roughly. */
export const LOCATION_KEY_PATTERN = "^\\s*((=|\\^~)\\s*)?/|^\\s*~";

/**
 * Reads a key as nginx reads what stands after `location`: `/prefix`,
 * `= /exact`, `^~ /prefix`, `~ regex`, `~* regex` (without regard to case).
 *
 * @throws {ValueError} If it is none of these, or could never take a request.
 */
export function parseLocationKey(key: string): LocationKey {
  // Most keys are just this.
  if (key.startsWith("/") && key.trim() === key) {
    return pathKey("prefix", key, key);
  }
  const [, modifier = "", text = ""] = /^\s*(=|\^~|~\*|~)?\s*(.*?)\s*$/s
    .exec(key) ?? [];
  switch (modifier) {
    case "~":
    case "~*":
      return regexKey(text, modifier === "~*");
    case "=":
      return pathKey("exact", text, `= ${text}`);
    case "^~":
      return pathKey("preferential", text, `^~ ${text}`);
    default:
      return pathKey("prefix", text, text);
  }
}

/** Equal for two keys that take the same paths. */
export function locationIdentity(key: LocationKey): string {
  switch (key.kind) {
    case "regex":
      return `${key.ignoreCase ? "~*" : "~"} ${key.source}`;
    case "exact":
      return `= ${key.path}`;
    default:
      // A prefix is one, whether it goes before regular expressions or not.
      return key.path;
  }
}

function pathKey(
  kind: "exact" | "prefix" | "preferential",
  path: string,
  key: string,
): LocationKey {
  if (!path.startsWith("/")) throw new ValueError(notAPath(path, key));
  if (SUSPICIOUS.test(path)) {
    const reason = UNREACHABLE.find(([pattern]) => pattern.test(path))?.[1];
    if (reason !== undefined) throw new ValueError(reason);
  }
  if (hasControls(path)) {
    throw new ValueError("a path has no control characters");
  }
  if (kind !== "exact" && path.endsWith("*") && /\/\*+$/.test(path)) {
    throw new ValueError(
      `a prefix takes everything below it (write ${
        quote(key.replace(/\*+$/, ""))
      })`,
    );
  }
  return {
    kind,
    path: utf8Bytes(path),
    autoRedirect: path.length > 1 && path.endsWith("/"),
  };
}

function notAPath(path: string, key: string): string {
  if (key.startsWith("@")) return "named locations are not supported";
  if (/^https?:/i.test(path)) {
    return `${expected("a path", path)} (write the path before the colon and ` +
      `the address after it)`;
  }
  const word = path.replace(/^\/*/, "");
  const meant = key.slice(0, key.length - path.length) + "/" + word;
  return `a path must start with "/" (did you mean ${quote(meant)}?)`;
}

/** What every path of {@link UNREACHABLE} has: one look in place of four. */
const SUSPICIOUS = /[?#%]|\/[/.]/;

/** Paths that no request has, because its path is decoded and cleaned first. */
const UNREACHABLE: readonly (readonly [RegExp, string])[] = [
  [/[?#]/, `a location's path has no query: "?" and "#" end the path`],
  [
    /%[0-9a-f]{2}/i,
    "paths are matched decoded: write the character, not its %-escape",
  ],
  [/\/\//, `"//" never matches: repeated slashes are merged first`],
  [/\/\.{1,2}(\/|$)/, `"." and ".." never match: they are resolved first`],
];

function regexKey(source: string, ignoreCase: boolean): LocationKey {
  return { kind: "regex", source: regexSource(source, "key"), ignoreCase };
}
