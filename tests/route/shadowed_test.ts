/**
 * Which locations are told to be never used.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  compileLocations,
  findLocation,
  type LocationEntry,
  type LocationKey,
} from "../../lib/route/location.ts";
import { shadowedLocations } from "../../lib/route/shadowed.ts";

/** A key as nginx writes it. */
function keyOf(written: string): LocationKey {
  const [, modifier = "", rest = ""] =
    /^(?:(=|\^~|~\*?) )?(.*)$/.exec(written) ??
      [];
  switch (modifier) {
    case "=":
      return { kind: "exact", path: rest };
    case "^~":
      return { kind: "preferential", path: rest };
    case "~":
    case "~*":
      return { kind: "regex", source: rest, ignoreCase: modifier === "~*" };
    default:
      return { kind: "prefix", path: rest };
  }
}

function entriesOf(keys: readonly string[]): LocationEntry<string>[] {
  return keys.map((written) => ({ key: keyOf(written), value: written }));
}

function shadowed(...keys: string[]): string[] {
  return shadowedLocations({ entries: entriesOf(keys) })
    .map(({ location, by }) => `${location} by ${by}`);
}

Deno.test("a regular expression shadows the prefixes whose paths all match it", () => {
  deepStrictEqual(shadowed("/api", "~ ^/api"), ["/api by ~ ^/api"]);
  deepStrictEqual(shadowed("/api/v1", "~* ^/API/.*$"), [
    "/api/v1 by ~* ^/API/.*$",
  ]);
  deepStrictEqual(shadowed("/x/api/", "~ /api"), ["/x/api/ by ~ /api"]);
  deepStrictEqual(shadowed("/", "~ ."), []);
  deepStrictEqual(shadowed("/b", "~ .*"), ["/b by ~ .*"]);
});

Deno.test("but not those that have other paths, too, or come first", () => {
  for (
    const keys of [
      ["/api", "~ ^/api/"],
      ["/api", "~ ^/api$"],
      ["/api", "~ \\.php$"],
      ["/api", "~ ^/ap+"],
      ["/api", "~ ^/apis?"],
      ["/api", "~ ^/api|^/b"],
      ["/api", "~ ^/[a-z]"],
      ["/API", "~ ^/api"],
      ["^~ /api", "~ ^/api"],
      ["= /api", "~ ^/api"],
    ]
  ) {
    // Of `p+` one is enough; the expression is not looked into so far.
    const found = shadowed(...keys).filter((it) =>
      it.startsWith(`${keys[0]} `)
    );
    deepStrictEqual(found, [], keys.join(", "));
  }
});

Deno.test("an earlier regular expression shadows a later one", () => {
  deepStrictEqual(shadowed("~* \\.php$", "~ \\.php$"), [
    "~ \\.php$ by ~* \\.php$",
  ]);
  deepStrictEqual(shadowed("~ \\.php$", "~* \\.php$"), []);
  deepStrictEqual(shadowed("~ ^/a", "~ ^/a/b[0-9]"), [
    "~ ^/a/b[0-9] by ~ ^/a",
  ]);
  deepStrictEqual(shadowed("~ ^/a/b[0-9]", "~ ^/a"), []);
  deepStrictEqual(shadowed("~ .*", "~ x"), ["~ x by ~ .*"]);
});

Deno.test("^~ shadows the regular expressions below it", () => {
  deepStrictEqual(shadowed("^~ /img/", "~ ^/img/.*\\.png$"), [
    "~ ^/img/.*\\.png$ by ^~ /img/",
  ]);
  deepStrictEqual(shadowed("^~ /img/", "~ \\.png$"), []);
  deepStrictEqual(shadowed("^~ /img/", "/img/big/", "~ ^/img/.*\\.png$"), []);
  deepStrictEqual(shadowed("^~ /img/x", "~ ^/img/"), []);
});

const PIECES = ["/", "a", "b", "api", ".", "/api", ".png"];

const path = fc.array(fc.constantFrom(...PIECES), { maxLength: 5 })
  .map((pieces) => `/${pieces.join("")}`);

const key = fc.oneof(
  fc.tuple(fc.constantFrom("", "", "^~ ", "= "), path)
    .map(([modifier, path]) => modifier + path),
  fc.tuple(
    fc.constantFrom("~ ", "~* "),
    fc.constantFrom("^", ""),
    fc.constantFrom("/", "/a", "/api", "/API", "api", "/ap+", "b?", "", "a|b"),
    fc.constantFrom("", "$", ".*", ".*$", "(.*)", "\\.png$", "[a-b]", "{2}"),
  ).filter(([, , text, end]) => end !== "{2}" || /\w$/.test(text))
    .map((parts) => parts.join("")),
);

Deno.test("what is told to be never used never is, for any path", () => {
  let told = 0;
  fc.assert(
    fc.property(
      fc.uniqueArray(key, {
        minLength: 2,
        maxLength: 6,
        // The config refuses a path that is there as a prefix and with ^~.
        selector: (written) => written.replace("^~ ", ""),
      }),
      fc.array(path, { minLength: 5, maxLength: 20 }),
      (keys, paths) => {
        const entries = entriesOf(keys);
        const table = compileLocations(entries);
        const never = new Set(
          shadowedLocations(table).map(({ location }) => location),
        );
        told += never.size;
        const own = entries.flatMap(({ key }) =>
          key.kind === "regex"
            ? []
            : [key.path, `${key.path}a`, `${key.path}/b`]
        );
        for (const path of [...paths, ...own]) {
          const found = findLocation(table, path)?.location ?? "";
          ok(!never.has(found), `${path} finds ${found}`);
        }
      },
    ),
    { numRuns: 4000 },
  );
  ok(told > 100, `only ${told} were told of`);
});
