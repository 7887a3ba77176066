import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  compileLocations,
  findLocation,
  keyText,
  type LocationKey,
} from "../../lib/route/location.ts";
import { losersOf } from "../../lib/route/losers.ts";

const prefix = (path: string): LocationKey => ({ kind: "prefix", path });
const exact = (path: string): LocationKey => ({ kind: "exact", path });
const preferential = (path: string): LocationKey => ({
  kind: "preferential",
  path,
});
const regex = (source: string): LocationKey => ({
  kind: "regex",
  source,
  ignoreCase: false,
});

/** The keys that lose a path, with the reason of those that would match. */
function losers(keys: readonly LocationKey[], path: string): string[] {
  const table = compileLocations(keys.map((key) => ({ key, value: key })));
  return losersOf(table, path, findLocation(table, path))
    .filter(({ matches }) => matches)
    .map(({ key, why }) => `${key}: ${why}`);
}

Deno.test("a location that matches but does not take the path is told why", () => {
  const keys = [
    prefix("/"),
    prefix("/api/"),
    preferential("/static/"),
    exact("/api/exact"),
    regex("\\.php$"),
    regex("^/api/x"),
    { ...prefix("/app/"), autoRedirect: true },
  ];
  deepStrictEqual(losers(keys, "/api/x.php"), [
    "/: /api/ is a longer prefix",
    "/api/: the regular expression ~ \\.php$ comes before prefixes",
    "~ ^/api/x: ~ \\.php$ stands above it",
  ]);
  deepStrictEqual(losers(keys, "/static/a.php"), [
    "/: ^~ /static/ is a longer prefix",
    "~ \\.php$: ^~ /static/ keeps regular expressions from being asked",
  ]);
  deepStrictEqual(losers(keys, "/api/exact"), [
    "/: /api/ is a longer prefix",
    "/api/: the exact = /api/exact comes before all others",
  ]);
  deepStrictEqual(losers(keys, "/app"), [
    "/: the redirect to /app/ comes before all others",
  ]);
  deepStrictEqual(losers(keys, "/"), []);
});

Deno.test("the losers are all but the winner; those that match would win alone", () => {
  const path = fc.array(fc.constantFrom("/", "a", "b"), { maxLength: 4 })
    .map((parts) => "/" + parts.join(""));
  const key = fc.oneof(
    path.map(prefix),
    path.map(exact),
    path.map(preferential),
    path.map((text) => regex(`^${text}`)),
  );
  fc.assert(fc.property(
    fc.uniqueArray(key, {
      maxLength: 6,
      selector: (key) => keyText(key).replace("^~ ", ""),
    }),
    path,
    (keys, path) => {
      const table = compileLocations(keys.map((key) => ({ key, value: key })));
      const match = findLocation(table, path);
      const lost = losersOf(table, path, match);
      strictEqual(lost.length, keys.length - (match === null ? 0 : 1));
      const others = keys.filter((key) => key !== match?.key);
      deepStrictEqual(
        lost.map(({ key, matches }) => [key, matches]),
        others.map((key) => [
          keyText(key),
          findLocation(compileLocations([{ key, value: key }]), path) !== null,
        ]),
      );
      if (match === null) strictEqual(lost.some((one) => one.matches), false);
    },
  ));
});
