/**
 * Regular expressions of locations, matched in time proportional to the path's
 * length. V8 backtracks: with `^/(a+)+$` a path of 40 characters would stop the
 * proxy for hours.
 *
 * @module
 */
// Evaluated at its first use, since most configs never need it.
import defer * as re2 from "re2js";

/** A compiled regular expression. */
export interface PathTest {
  test(path: string): boolean;
}

/** What the groups of a match took, by number from 1 and by name. */
export interface Captures {
  readonly [group: number]: string | null | undefined;
  readonly groups?:
    | Readonly<Record<string, string | null | undefined>>
    | undefined;
}

/** A compiled regular expression whose groups count. */
export interface PathMatcher extends PathTest {
  /** The leftmost match; null for none. */
  exec(text: string): Captures | null;
}

/**
 * Compiles a regular expression: for V8 if that certainly takes linear time, else
 * for RE2 if that supports it, else for V8.
 *
 * @param source A byte string in JavaScript's syntax.
 * @throws {SyntaxError} if it is invalid in JavaScript.
 */
export function compileRegex(source: string, ignoreCase: boolean): PathTest {
  const expression = new RegExp(source, ignoreCase ? "i" : "");
  if (isLinear(source)) return expression;
  return compileRe2(source, ignoreCase) ?? expression;
}

/** The same with groups: `rewrite` and others use what they take. */
export function compileMatcher(
  source: string,
  ignoreCase: boolean,
): PathMatcher {
  const expression = new RegExp(source, ignoreCase ? "i" : "");
  if (isLinear(source)) return expression;
  const linear = compileRe2(source, ignoreCase);
  return linear === null ? expression : new Re2Matcher(linear);
}

/** RE2's groups in the shape of V8's. */
class Re2Matcher implements PathMatcher {
  constructor(readonly expression: re2.RE2JS) {}

  test(path: string): boolean {
    return this.expression.test(path);
  }

  exec(text: string): Captures | null {
    const matcher = this.expression.matcher(text);
    if (!matcher.find()) return null;
    const taken: Record<number, string | null> = {};
    for (let i = 0; i <= matcher.groupCount(); i++) taken[i] = matcher.group(i);
    return Object.assign(taken, { groups: matcher.getNamedGroups() });
  }
}

/**
 * Whether a regular expression may take very long for some paths.
 *
 * @param source Valid, as for {@linkcode compileRegex}.
 * @returns A warning for the user, or null.
 */
export function regexRisk(source: string, ignoreCase: boolean): string | null {
  if (isLinear(source) || compileRe2(source, ignoreCase) !== null) return null;
  return "it may take very long for some paths, and meanwhile no other request " +
    "is answered: it has repetitions together with (?=…), (?!…), \\1, \\s or " +
    "other constructs that need a backtracking engine";
}

/** An escape, a class, or a character. */
const TOKEN = /\\x[\da-f]{2}|\\[^]|\[\^?(?:\\[^]|[^\]\\])*\]|[^]/gi;

/**
 * Whether backtracking takes linear time: there is no repetition, or only one, of a
 * single character, in an expression that is anchored to the start of the path.
 */
function isLinear(source: string): boolean {
  let depth = 0;
  let repetitions = 0;
  let isAnchored = source.startsWith("^");
  let previous = "";
  for (const [token] of source.matchAll(TOKEN)) {
    switch (token) {
      case "(":
        depth++;
        break;
      case ")":
        depth--;
        break;
      case "|":
        // The next alternative is not anchored.
        if (depth === 0) isAnchored = false;
        break;
      case "*":
      case "+":
      case "{":
        if (previous === ")" || repetitions++ > 0) return false;
    }
    if (BACK_REFERENCE.test(token)) return false;
    previous = token;
  }
  return repetitions === 0 || isAnchored;
}

const BACK_REFERENCE = /^\\[1-9k]/;

/** Null for what RE2 does not support or reads differently. */
function compileRe2(source: string, ignoreCase: boolean): re2.RE2JS | null {
  let translated = "";
  for (const [token] of source.matchAll(TOKEN)) {
    if (!READ_ALIKE.test(token)) return null;
    // RE2's dot also matches a carriage return.
    translated += token === "." ? "[^\\n\\r]" : token;
  }
  const { RE2JS } = re2;
  try {
    return RE2JS.compile(translated, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch {
    return null;
  }
}

/**
 * The tokens that both read alike. Different are `\s` beyond ASCII, the classes
 * `[]` and `[^]`, `[:alpha:]`, and many letters after a backslash.
 */
const READ_ALIKE =
  /^(?!\[\^?\])(?:[^\\[]|\\[dDwWbBtnrfv]|\\x..|\\[^\da-zA-Z]|\[(?:[^\\[\]]|\\[dDwWtnrfv]|\\x..|\\[^\da-zA-Z])+\])$/s;
