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
function compileRe2(source: string, ignoreCase: boolean): PathTest | null {
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
