/**
 * Regular expressions in a config. nginx's are PCRE's, which JavaScript's differ
 * from little.
 *
 * @module
 */
import { utf8Bytes } from "../route/bytes.ts";
import { compileMatcher, type PathMatcher, regexRisk } from "../route/regex.ts";
import { quote, ValueError } from "./words.ts";

/**
 * Checks a regular expression, and gives it as it is matched against byte
 * strings.
 *
 * @param place Where it stands: a location's key has a modifier before it.
 * @throws {ValueError} If JavaScript can't read it, or reads it as something
 * else than nginx.
 */
export function regexSource(source: string, place: "key" | "value"): string {
  if (source === "") throw new ValueError("a regular expression is missing");
  const foreign = FOREIGN.find(([pattern]) => pattern.test(source));
  if (foreign !== undefined) throw new ValueError(foreign[1]);
  if (place === "key" && source.startsWith("(?i)")) {
    throw new ValueError(
      `"(?i)" is not supported (write "~*" before the expression)`,
    );
  }
  const bytes = utf8Bytes(source);
  try {
    new RegExp(withoutInlineFlag(bytes));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = message.replace(/^.*: /s, "").toLowerCase();
    throw new ValueError(
      `${quote(source)} is not a valid regular expression: ${reason}`,
    );
  }
  return bytes;
}

/** A compiled regular expression, and what groups it has. */
export interface ConfigRegex {
  readonly matcher: PathMatcher;
  /** How many groups it has. */
  readonly count: number;
  /** Their names. */
  readonly names: readonly string[];
  /** A warning, if it may take very long. */
  readonly risk: string | null;
}

/**
 * Compiles a regular expression that matches byte strings. `(?i)` at its
 * beginning is PCRE's way to say "without regard to case".
 *
 * @throws {ValueError} As {@link regexSource} does.
 */
export function compileRegex(source: string, ignoreCase: boolean): ConfigRegex {
  const bytes = regexSource(source, "value");
  const insensitive = ignoreCase || bytes.startsWith("(?i)");
  const bare = withoutInlineFlag(bytes);
  return {
    matcher: compileMatcher(bare, insensitive),
    ...groupsOf(bare),
    risk: regexRisk(bare, insensitive),
  };
}

/** How many groups an expression has, and their names. */
export function groupsOf(source: string): { count: number; names: string[] } {
  // The empty alternative matches anything, with all groups there.
  const match = new RegExp(`${source}|`).exec("");
  if (match === null) throw new Error("an empty alternative did not match");
  return { count: match.length - 1, names: Object.keys(match.groups ?? {}) };
}

function withoutInlineFlag(source: string): string {
  return source.startsWith("(?i)") ? source.slice("(?i)".length) : source;
}

/** What nginx's regular expressions have and JavaScript's read as something else. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/(?<!\\)(?:\\\\)*\\A/, `"\\A" is not supported (write "^")`],
  [/(?<!\\)(?:\\\\)*\\[zZ]/, `"\\z" is not supported (write "$")`],
  [
    /(?<!\\)(?:\\\\)*\\[QEGKRhHX]/,
    `\\Q \\E \\G \\K \\R \\h \\X are not supported`,
  ],
  [/\[\[?:\w+:\]/, "character classes such as [:alpha:] are not supported"],
  [/\(\?P</, `"(?P<name>…)" is not supported (write "(?<name>…)")`],
];
