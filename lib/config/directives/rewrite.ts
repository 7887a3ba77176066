/**
 * `rewrite`: another URI for a request, or a redirect (nginx's
 * ngx_http_rewrite_module).
 *
 * @module
 */
import * as v from "valibot";
import { hasControls } from "../plain_text.ts";
import { type CapturingUrl, compileCapturingUrl } from "../captures.ts";
import type { PathMatcher } from "../../route/regex.ts";
import { compileRegex } from "../regex.ts";
import { byType, list, parsedBy } from "../schema_parts.ts";
import { didYouMean, expected, quote, ValueError } from "../words.ts";
import { allowedIn } from "./directive.ts";

/** One `rewrite`. */
export interface RewriteRule {
  /** As it is written: `^/old/(.*)$ /new/$1 last`. */
  readonly written: string;
  /** Matched against the decoded path. */
  readonly regex: PathMatcher;
  /** A warning, if the regular expression may take very long. */
  readonly risk: string | null;
  /** The new URI; for a redirect the URL, its captures escaped. */
  readonly replacement: CapturingUrl;
  /** Whether the request's own query is appended. */
  readonly addsArgs: boolean;
  readonly action:
    /** The next rule sees the new URI. */
    | { readonly kind: "next" }
    /** A location is looked for with the new URI. */
    | { readonly kind: "last" }
    /** The location goes on with the new URI. */
    | { readonly kind: "break" }
    | { readonly kind: "redirect"; readonly status: 301 | 302 };
}

const FLAGS = ["last", "break", "redirect", "permanent"] as const;
type Flag = typeof FLAGS[number];

const WORDS =
  `"REGEX REPLACEMENT" with last, break, redirect or permanent behind it, ` +
  `such as "^/old/(.*)$ /new/$1 permanent"`;

/** What makes a redirect of a replacement without a flag, as in nginx. */
const URL_START = /^(https?:\/\/|\$scheme\b|\$\{scheme\})/;

function parseOne(written: string): RewriteRule {
  const text = written.trim();
  if (text.endsWith(";")) {
    throw new ValueError(`${quote(text)}: no semicolon at the end here`);
  }
  const words = text.replace(/^rewrite\s+/, "").split(/\s+/);
  if (words.length < 2 || words.length > 3) {
    const hint = words.length > 3
      ? " (a regular expression with spaces is written as a list: [REGEX, " +
        "REPLACEMENT, last])"
      : "";
    throw new ValueError(expected(WORDS, written) + hint);
  }
  return ruleOf(words);
}

function ruleOf(words: readonly string[]): RewriteRule {
  const [source = "", replacement = "", written] = words;
  const flag = FLAGS.find((flag) => flag === written);
  if (written !== undefined && flag === undefined) {
    throw new ValueError(
      `expected last, break, redirect or permanent, got ${quote(written)}` +
        didYouMean(written, FLAGS),
    );
  }
  const { matcher, count, names, risk } = compileRegex(source, false);
  const action = actionOf(flag, replacement);
  checkReplacement(replacement, action.kind === "redirect");
  // A "?" at its end drops the request's own query.
  const addsArgs = !replacement.endsWith("?");
  const compiled = compileCapturingUrl(
    addsArgs ? replacement : replacement.slice(0, -1),
    action.kind === "redirect"
      ? { path: "path", args: "args" }
      : { path: "none", args: "rewritten_args" },
    names,
  );
  if (compiled.captures > count) {
    throw new ValueError(
      `$${compiled.captures} is not there: ${quote(source)} has ` +
        (count === 0 ? "no group" : `${count} group${count === 1 ? "" : "s"}`),
    );
  }
  return {
    written: words.join(" "),
    regex: matcher,
    risk,
    replacement: compiled,
    addsArgs,
    action,
  };
}

function actionOf(
  flag: Flag | undefined,
  replacement: string,
): RewriteRule["action"] {
  if (flag === "permanent") return { kind: "redirect", status: 301 };
  // As in nginx a URL is a redirect whatever stands behind it.
  if (flag === "redirect" || URL_START.test(replacement)) {
    return { kind: "redirect", status: 302 };
  }
  return flag === undefined ? { kind: "next" } : { kind: flag };
}

function checkReplacement(replacement: string, isRedirect: boolean): void {
  if (replacement === "") throw new ValueError("the replacement is empty");
  if (/\s/.test(replacement) || hasControls(replacement)) {
    throw new ValueError(
      `the replacement ${quote(replacement)} has spaces (write %20 in a URL)`,
    );
  }
  if (isRedirect) return;
  if (replacement.includes("#")) {
    throw new ValueError(
      `a "#" has no meaning in a URI, got ${quote(replacement)}`,
    );
  }
  if (!/^[/$]/.test(replacement)) {
    throw new ValueError(
      `the replacement must start with "/", "http://" or "https://", got ` +
        quote(replacement),
    );
  }
}

const Rule = byType(WORDS, [
  v.pipe(
    v.string(),
    v.metadata({ pattern: "^\\s*\\S+\\s+\\S+(\\s+\\w+)?\\s*$" }),
    parsedBy((written: string) => parseOne(written)),
  ),
  v.pipe(
    v.array(v.string(expected("text", "something else"))),
    v.minLength(2, `expected ${WORDS}`),
    v.maxLength(3, `expected ${WORDS}`),
    parsedBy((words: string[]) => ruleOf(words)),
  ),
]);

const Rewrite = byType(`${WORDS}, or a list of these`, [
  v.pipe(
    v.string(),
    v.metadata({ pattern: "^\\s*\\S+\\s+\\S+(\\s+\\w+)?\\s*$" }),
    parsedBy((written: string): RewriteRule[] => [parseOne(written)]),
  ),
  list(`a list of ${WORDS}`, Rule),
]);

export const rewriting = {
  rewrite: allowedIn(
    ["top", "server", "location"],
    Rewrite,
    undefined,
    "Another URI for requests whose path matches a regular expression, or a " +
      'redirect: "^/old/(.*)$ /new/$1 permanent", or a list of these, in order. ' +
      "`last` looks for a location again, `break` stays in this one, `redirect` " +
      "and `permanent` answer 302 and 301. The query is kept, unless the " +
      'replacement ends with "?".',
  ),
};
