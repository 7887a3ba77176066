/**
 * Regular expressions of locations, run in time that grows with a path's length
 * and no faster: V8 backtracks, and for `^/(a+)+$` a path of 40 characters would
 * stop the proxy for hours.
 *
 * @module
 */
// Deferred, since most configs never need it: evaluated at its first use.
import defer * as re2 from "re2js";

/** What a path is tested with. */
export interface PathTest {
  test(path: string): boolean;
}

/**
 * Compiles a regular expression. V8 runs it where it is sure to need no more
 * than linear time, else RE2 if it has all that is used, else V8.
 *
 * @param source JavaScript's syntax; like the path a byte string.
 * @throws {SyntaxError} for what JavaScript can't read.
 */
export function compileRegex(source: string, ignoreCase: boolean): PathTest {
  const expression = new RegExp(source, ignoreCase ? "i" : "");
  if (isLinear(source)) return expression;
  return compileRe2(source, ignoreCase) ?? expression;
}

/**
 * Whether some paths may take a regular expression very long.
 *
 * @param source As for {@linkcode compileRegex}, valid.
 * @param flags `i` or none.
 * @returns What to tell the user; null if none does.
 */
export function regexRisk(source: string, flags: string): string | null {
  if (
    isLinear(source) || compileRe2(source, flags.includes("i")) !== null
  ) return null;
  return "some paths may take it very long, during which no other request is " +
    "answered: it repeats, and has what only backtracking can do, as (?=…), " +
    "(?!…), \\1 or \\s";
}

/** An escape, a class, or a character. */
const TOKEN = /\\x[\da-f]{2}|\\[^]|\[\^?(?:\\[^]|[^\]\\])*\]|[^]/gi;

/**
 * Whether backtracking takes linear time: there is no repetition, or a single
 * one of one character, and the search is tied to the start of the path.
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
        // The next alternative is tied to nothing.
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

/** Null for what RE2 does not have, or reads in another way. */
function compileRe2(source: string, ignoreCase: boolean): PathTest | null {
  let translated = "";
  for (const [token] of source.matchAll(TOKEN)) {
    if (!READ_ALIKE.test(token)) return null;
    // RE2's dot matches a carriage return.
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
 * The tokens that both read alike. Not so are `\s`, which differs beyond ASCII,
 * the classes `[]` and `[^]`, `[:alpha:]`, and many a letter behind a backslash.
 */
const READ_ALIKE =
  /^(?!\[\^?\])(?:[^\\[]|\\[dDwWbBtnrfv]|\\x..|\\[^\da-zA-Z]|\[(?:[^\\[\]]|\\[dDwWtnrfv]|\\x..|\\[^\da-zA-Z])+\])$/s;
