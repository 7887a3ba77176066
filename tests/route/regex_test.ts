import { ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { compileRegex, regexRisk } from "../../lib/route/regex.ts";

/** Each would take V8 seconds for the path, most of them hours. */
const SLOW: [source: string, path: string][] = [
  ["^/(a+)+$", "/" + "a".repeat(60_000) + "!"],
  ["^/(a|a)*$", "/" + "a".repeat(60_000) + "!"],
  ["^/(a|aa)+$", "/" + "a".repeat(60_000) + "!"],
  ["^/(?:a|b|ab)*c$", "/" + "ab".repeat(30_000)],
  ["^/(?<name>a+)+$", "/" + "a".repeat(60_000) + "!"],
  ["^/(a{1,30}){1,30}$", "/" + "a".repeat(60_000) + "!"],
  ["^/.*/.*/edit$", "/" + "a/".repeat(30_000)],
  ["[^/]+\\.php", "/" + "a".repeat(60_000)],
  ["^/b|a+\\.php", "/" + "a".repeat(60_000)],
];

Deno.test("a pattern that RE2 supports takes linear time", () => {
  for (const [source, path] of SLOW) {
    for (const ignoreCase of [false, true]) {
      const expression = compileRegex(source, ignoreCase);
      const took = (text: string) => {
        const begun = performance.now();
        strictEqual(expression.test(text), false, source);
        return performance.now() - begun;
      };
      // V8 would take four times as long for twice the length, or a million.
      const half = path.slice(0, path.length / 4) +
        path.slice(-path.length / 4);
      const [short, long] = [took(half), took(path)];
      ok(long < 3 * short + 100, `${source}: ${short} and ${long} ms`);
    }
    strictEqual(regexRisk(source, true), null, source);
  }
});

Deno.test("simple patterns are left to V8", () => {
  for (
    const source of [
      "\\.php$",
      "\\.(gif|jpe?g|png|css|js)$",
      "^/api/v[0-9]+/",
      "^/(en|de)/.*\\.html$",
      "(?:^|/)\\.(?!well-known/)",
      "^/(?!api/).*$",
      "a\\+\\*[+*]b",
    ]
  ) {
    ok(compileRegex(source, false) instanceof RegExp, source);
    strictEqual(regexRisk(source, false), null, source);
  }
});

Deno.test("repetitions in a pattern that needs backtracking are a risk", () => {
  for (
    const source of [
      "^/(?!api)(a+)+$",
      "^/(a+)\\1+$",
      "^/(a*)\\1$",
      "(?<=/)a+$",
      "^/(\\w+\\s?)*$",
      "^/([[:alpha:]]+)+$",
      "^/([^]+)+$",
    ]
  ) ok(regexRisk(source, false)?.startsWith("it may take very long"), source);
});

Deno.test("a pattern that is invalid in JavaScript is refused", () => {
  throws(() => compileRegex("(", false), SyntaxError);
  throws(() => compileRegex("a++", false), SyntaxError);
});

const ATOMS = [
  ..."ab/-xAZ_.$^",
  ...["\\.", "\\d", "\\D", "\\w", "\\W", "\\b", "\\B", "\\/", "\\-", "\\_"],
  ...["\\x41", "\\xe9", "\\n", "\\t", "\\s", "\\e", "\\u0061", "\\0", "\\cA"],
  ...["[ab]", "[^/]", "[a-c]", "[.]", "[\\w.-]", "[^\\d]", "[-a]", "[a\\]b]"],
  ...["[]", "[^]", "[]a]", "[[:alpha:]]", "[\\b]", "[a[b]", "[^a]]", "[\\s]"],
  ...["[\xe0-\xef]", "\xe9", "{", "}", "a{", "a{,3}", "a{2", "]"],
];

const QUANTIFIERS = ["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?", "??"];

const pattern = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...ATOMS),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => a + b),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie("node"), fc.constantFrom(...QUANTIFIERS))
      .map(([a, q]) => `(?:${a})${q}`),
    fc.tuple(fc.constantFrom(...ATOMS), fc.constantFrom(...QUANTIFIERS))
      .map(([a, q]) => a + q),
  ),
})).node;

const path = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..."aab/.-xAZ_1 {}]:[\n\r\t\v\xe9\xc9\xff\xb5\xa0"),
    fc.integer({ max: 255, min: 0 }).map((code) => String.fromCharCode(code)),
  ),
  maxLength: 10,
});

Deno.test("any pattern matches what it matches in JavaScript", () => {
  let isRe2 = 0;
  fc.assert(
    fc.property(
      pattern,
      fc.boolean(),
      fc.array(path, { minLength: 10, maxLength: 10 }),
      (source, ignoreCase, paths) => {
        let expected: RegExp;
        try {
          expected = new RegExp(source, ignoreCase ? "i" : "");
        } catch {
          return;
        }
        const expression = compileRegex(source, ignoreCase);
        if (!(expression instanceof RegExp)) isRe2++;
        for (const path of paths) {
          strictEqual(
            expression.test(path),
            expected.test(path),
            `${expected} for ${JSON.stringify(path)}`,
          );
        }
      },
    ),
    { numRuns: 5_000 },
  );
  ok(isRe2 > 500, `${isRe2} run by RE2`);
});
