import assert from "node:assert/strict";
import fc from "fast-check";
import {
  LOCATION_KEY_PATTERN,
  parseLocationKey,
} from "../../lib/config/location_key.ts";
import { ValueError } from "../../lib/config/words.ts";

Deno.test("a key is read as nginx reads what follows `location`", () => {
  const path = (kind: string, path: string, autoRedirect = false) => ({
    kind,
    path,
    autoRedirect,
  });
  const regex = (source: string, ignoreCase = false) => ({
    kind: "regex",
    source,
    ignoreCase,
  });
  const keys: [string, unknown][] = [
    ["/", path("prefix", "/")],
    ["/api", path("prefix", "/api")],
    ["/api/", path("prefix", "/api/", true)],
    ["= /exact", path("exact", "/exact")],
    ["=/exact/", path("exact", "/exact/", true)],
    ["^~ /static", path("preferential", "/static")],
    ["  =   /x  ", path("exact", "/x")],
    ["/a b", path("prefix", "/a b")],
    ["/é", path("prefix", "/Ã©")],
    ["/%", path("prefix", "/%")],
    ["/...", path("prefix", "/...")],
    ["/.well-known", path("prefix", "/.well-known")],
    ["~ \\.php$", regex("\\.php$")],
    ["~^/x", regex("^/x")],
    ["~* \\.JPG$", regex("\\.JPG$", true)],
    ["~ é", regex("Ã©")],
    ["~ \\\\Apple", regex("\\\\Apple")],
  ];
  for (const [key, parsed] of keys) {
    assert.deepEqual(parseLocationKey(key), parsed, key);
    assert.match(key, new RegExp(LOCATION_KEY_PATTERN));
  }
});

Deno.test("a key that could take no request is refused, with what was meant", () => {
  const messages: [string, string][] = [
    ["api", 'a path must start with "/" (did you mean "/api"?)'],
    ["= api", 'a path must start with "/" (did you mean "= /api"?)'],
    ["", 'a path must start with "/" (did you mean "/"?)'],
    ["*", 'a path must start with "/" (did you mean "/*"?)'],
    ["@fallback", "named locations are not supported"],
    [
      "http://a",
      'expected a path, got "http://a" (write the path before the colon and the address after it)',
    ],
    ["/a?b", 'a location\'s path has no query: "?" and "#" end the path'],
    [
      "/a%20b",
      "paths are matched decoded: write the character, not its %-escape",
    ],
    ["/a//b", '"//" never matches: repeated slashes are merged first'],
    ["/a/../b", '"." and ".." never match: they are resolved first'],
    ["/a/.", '"." and ".." never match: they are resolved first'],
    ["/api/*", 'a prefix takes everything below it (write "/api/")'],
    ["^~ /api/**", 'a prefix takes everything below it (write "^~ /api/")'],
    ["/a\tb", "a path has no control characters"],
    ["~", "a regular expression is missing"],
    ["~ (", '"(" is not a valid regular expression: unterminated group'],
    [
      "~ a{2,1}",
      '"a{2,1}" is not a valid regular expression: numbers out of order in {} quantifier',
    ],
    ["~ (?i)x", '"(?i)" is not supported (write "~*" before the expression)'],
    ["~ \\A/x", '"\\A" is not supported (write "^")'],
    ["~ /x\\z", '"\\z" is not supported (write "$")'],
    ["~ [[:alpha:]]", "character classes such as [:alpha:] are not supported"],
    ["~ (?P<a>x)", '"(?P<name>…)" is not supported (write "(?<name>…)")'],
    ["~ \\Qx\\E", "\\Q \\E \\G \\K \\R \\h \\X are not supported"],
  ];
  for (const [key, message] of messages) {
    assert.throws(() => parseLocationKey(key), new ValueError(message), key);
  }
});

Deno.test("any text is a key or refused in words", () => {
  fc.assert(fc.property(
    fc.string({ unit: "binary" }),
    fc.constantFrom("", "/", "= /", "~ ", "~* ", "^~ /"),
    (text, start) => {
      try {
        parseLocationKey(start + text);
        assert.match(start + text, new RegExp(LOCATION_KEY_PATTERN));
      } catch (error) {
        assert(error instanceof ValueError, String(error));
      }
    },
  ));
});
