/**
 * `proxy_cookie_domain`, `proxy_cookie_path` and `proxy_cookie_flags`: what is
 * changed in the cookies that upstreams set (nginx's ngx_http_proxy_module).
 *
 * @module
 */
import * as v from "valibot";
import type { PathMatcher } from "../../route/regex.ts";
import { compileCaptures } from "../captures.ts";
import { compileRegex, type ConfigRegex } from "../regex.ts";
import { mapOf } from "../schema_map.ts";
import { byType, parsedBy, text } from "../schema_parts.ts";
import { compileTemplate, type Template } from "../template.ts";
import { didYouMean, expected, quote, ValueError } from "../words.ts";
import { inherited } from "./directive.ts";

/** What is changed in `Set-Cookie`. The first rule that fits counts. */
export interface CookieRules {
  readonly domains: readonly ValueRule[];
  readonly paths: readonly ValueRule[];
  readonly flags: readonly FlagRule[];
}

/** Another value for an attribute. */
export type ValueRule =
  /** A domain without its first dot, or the beginning of a path. */
  | {
    readonly kind: "text";
    readonly from: Template;
    readonly to: Template;
  }
  /** A regular expression; the whole value is replaced. */
  | {
    readonly kind: "regex";
    readonly from: PathMatcher;
    readonly to: Template;
  };

/** The flags of some cookies. */
export interface FlagRule {
  /** Null for the cookies of that name, in lower case. */
  readonly regex: PathMatcher | null;
  readonly name: string;
  /** Whether `Secure` is set or removed; null leaves it. */
  readonly secure: boolean | null;
  readonly httpOnly: boolean | null;
  /** `Strict`, `Lax`, `None`, or `""` to remove it; null leaves it. */
  readonly sameSite: string | null;
}

/** `off`, or a map. */
function offOrMap<Rule>(
  what: string,
  map: v.GenericSchema<unknown, readonly Rule[]>,
) {
  const words = `"off", or a map such as ${what}`;
  return byType(words, [
    v.pipe(
      v.string(),
      v.metadata({ enum: ["off"] }),
      parsedBy((word: string): readonly Rule[] => {
        if (word === "off") return [];
        throw new ValueError(expected(words, word));
      }),
    ),
    map,
  ]);
}

/** A pattern of a cookie's domain, path or name, as it is written. */
type Pattern =
  | { readonly kind: "text"; readonly written: string }
  | {
    readonly kind: "regex";
    readonly source: string;
    readonly regex: ConfigRegex;
  };

/** @param caseMatters Whether only `~*` is without regard to case. */
function parsePattern(written: string, caseMatters: boolean): Pattern {
  if (written === "null") {
    // YAML's word for nothing is a tilde.
    throw new ValueError(`write "~" in quotes`);
  }
  if (!written.startsWith("~")) return { kind: "text", written };
  const star = written.startsWith("~*");
  const source = written.slice(star ? 2 : 1).trim();
  return {
    kind: "regex",
    // nginx: an expression that is empty fits all.
    source,
    regex: compileRegex(source || "^", star || !caseMatters),
  };
}

function valueMap(
  what: string,
  caseMatters: boolean,
  adapt: (text: string) => string,
) {
  return v.pipe(
    mapOf(
      `a map such as ${what}`,
      { parse: (written) => parsePattern(written, caseMatters) },
      text("text"),
      (pattern, value) => {
        ruleOf(pattern, String(value), adapt);
      },
    ),
    v.transform((entries): readonly ValueRule[] =>
      entries.map(({ key, value }) => ruleOf(key, value, adapt))
    ),
  );
}

function ruleOf(
  from: Pattern,
  to: string,
  adapt: (text: string) => string,
): ValueRule {
  if (/[;,]/.test(to) || from.kind === "text" && /[;,]/.test(from.written)) {
    throw new ValueError("an attribute of a cookie has no semicolon or comma");
  }
  if (from.kind === "text") {
    return {
      kind: "text",
      from: compileTemplate(adapt(from.written)),
      to: compileTemplate(adapt(to)),
    };
  }
  const { matcher, count, names } = from.regex;
  const { render, captures } = compileCaptures(to, { escaping: "none", names });
  if (captures > count) {
    throw new ValueError(
      `$${captures} is not there: ${quote(from.source)} has ${count} group` +
        (count === 1 ? "" : "s"),
    );
  }
  return { kind: "regex", from: matcher, to: render };
}

const FLAGS = [
  "secure",
  "nosecure",
  "httponly",
  "nohttponly",
  "samesite=strict",
  "samesite=lax",
  "samesite=none",
  "nosamesite",
] as const;

const FLAG_WORDS = `flags such as "secure httponly samesite=lax"`;

function parseFlags(
  written: readonly string[],
): Pick<FlagRule, "secure" | "httpOnly" | "sameSite"> {
  let secure: boolean | null = null;
  let httpOnly: boolean | null = null;
  let sameSite: string | null = null;
  for (const word of written) {
    switch (word.toLowerCase()) {
      case "secure":
        secure = true;
        break;
      case "nosecure":
        secure = false;
        break;
      case "httponly":
        httpOnly = true;
        break;
      case "nohttponly":
        httpOnly = false;
        break;
      case "samesite=strict":
        sameSite = "Strict";
        break;
      case "samesite=lax":
        sameSite = "Lax";
        break;
      case "samesite=none":
        sameSite = "None";
        break;
      case "nosamesite":
        sameSite = "";
        break;
      default:
        throw new ValueError(
          `no flag is called ${quote(word)}` +
            (didYouMean(word, FLAGS) || ` (expected ${FLAGS.join(", ")})`),
        );
    }
  }
  return { secure, httpOnly, sameSite };
}

const Flags = byType(FLAG_WORDS, [
  v.pipe(
    v.string(),
    parsedBy((written: string) => parseFlags(written.trim().split(/\s+/))),
  ),
  v.pipe(
    v.array(v.string(`expected ${FLAG_WORDS}`)),
    v.minLength(1, "the list is empty"),
    parsedBy((words: string[]) => parseFlags(words)),
  ),
]);

const FlagMap = v.pipe(
  mapOf(
    `a map such as {"~": secure httponly}`,
    { parse: (written) => parsePattern(written, false) },
    Flags,
  ),
  v.transform((entries): readonly FlagRule[] =>
    entries.map(({ key, value }) => ({
      ...value,
      ...key.kind === "regex"
        ? { regex: key.regex.matcher, name: "" }
        : { regex: null, name: key.written.toLowerCase() },
    }))
  ),
);

/** nginx takes a domain with or without its first dot. */
const withoutDot = (domain: string) => domain.replace(/^\./, "");

export const proxyCookies = {
  proxy_cookie_domain: inherited(
    offOrMap(
      "{localhost: example.com}",
      valueMap("{localhost: example.com}", false, withoutDot),
    ),
    "off",
    "Other domains for the cookies of upstreams: a map from a domain, or ~ and a " +
      "regular expression, to what replaces it.",
  ),
  proxy_cookie_path: inherited(
    offOrMap("{/app/: /}", valueMap("{/app/: /}", true, (path) => path)),
    "off",
    "Other paths for the cookies of upstreams: a map from the beginning of a " +
      "path, or ~ or ~* and a regular expression, to what replaces it.",
  ),
  proxy_cookie_flags: inherited(
    offOrMap(`{"~": secure httponly}`, FlagMap),
    "off",
    "Flags for the cookies of upstreams: a map from a cookie's name, or ~ and a " +
      'regular expression ("~" alone is all), to some of secure, httponly, ' +
      "samesite=strict, samesite=lax, samesite=none, nosecure, nohttponly, " +
      "nosamesite.",
  ),
};
