/**
 * Random targets, tables and hosts, made of the pieces that are easy to get
 * wrong.
 *
 * @module
 */
import fc from "fast-check";
import type { LocationEntry } from "../../lib/route/location.ts";

const PATH_PIECES = [
  "/",
  "/",
  "/",
  "//",
  ".",
  "..",
  "/.",
  "/..",
  "/../",
  "/./",
  "%2e",
  "%2E",
  "%2e%2e",
  "%2f",
  "%2F",
  "%2f..%2f",
  "%5c",
  "\\",
  ";",
  "%3f",
  "%23",
  "%25",
  "%252f",
  "%252e",
  "%20",
  "%41",
  "%00",
  "%4",
  "%zz",
  "%",
  "%c3%a9",
  "é",
  "😀",
  "\ud800",
  "%ff",
  "a",
  "b",
  "api",
  "admin",
  "+",
  "|",
  "^",
  "`",
  "{}",
  "<",
  '"',
  "'",
  "[",
  "\x7f",
  " ",
  "\t",
  ":",
  "@",
];

const QUERY_PIECES = ["a=b", "&", "?", "%", "%2f", "'", '"', "<>", "é", "/.."];

const pieces = (from: string[], maxLength: number) =>
  fc.array(fc.constantFrom(...from), { maxLength }).map((all) => all.join(""));

/** Anything after a slash; more than half of them are well formed. */
export const target: fc.Arbitrary<string> = fc.tuple(
  fc.oneof(
    pieces(PATH_PIECES, 8),
    pieces(
      PATH_PIECES.filter((piece) =>
        !/%(?![0-9a-f]{2})|%00|[ \t\x7f]/i.test(piece)
      ),
      10,
    ),
  ),
  fc.oneof(
    fc.constant(""),
    pieces(QUERY_PIECES, 4).map((query) => "?" + query),
    pieces(QUERY_PIECES, 4).map((query) => "#" + query),
    pieces(QUERY_PIECES, 4).map((query) => "?a#" + query),
  ),
).map(([path, query]) => "/" + path + query);

const LOCATION_PATHS = [
  "/",
  "/a",
  "/a/",
  "/a/b",
  "/a/b/",
  "/a//",
  "/a/.",
  "/a/../",
  "/b",
  "/b/",
  "/ab",
  "/api",
  "/api/",
  "/api%2f",
  "/admin",
  "/admin/",
  "/.",
  "//",
  "/\\",
  "/\xc3\xa9",
  "/%2F",
];

const locationPath = fc.oneof(
  fc.constantFrom(...LOCATION_PATHS),
  fc.array(fc.constantFrom("/", "a", "b", "api", "."), { maxLength: 5 })
    .map((all) => "/" + all.join("")),
);

const key = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "exact" as const,
        "prefix" as const,
        "prefix" as const,
        "preferential" as const,
      ),
      path: locationPath,
      autoRedirect: fc.boolean(),
    }).map((key) => ({
      ...key,
      autoRedirect: key.autoRedirect && key.path.endsWith("/"),
    })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("regex" as const),
      source: fc.constantFrom(
        "b$",
        "^/a/",
        "\\.\\.",
        "/$",
        "%2",
        "ADMIN",
        "//",
      ),
      ignoreCase: fc.boolean(),
    }),
  },
);

/** Locations of a server; each one's value is its place in the file. */
export const locations: fc.Arbitrary<LocationEntry<number>[]> = fc.array(key, {
  maxLength: 10,
}).map((keys) => keys.map((key, value) => ({ key, value })));

/** The same without duplicates and with a location for everything else. */
export const completeLocations: fc.Arbitrary<LocationEntry<number>[]> =
  locations.map((entries) => [
    ...entries,
    { key: { kind: "prefix", path: "/" }, value: entries.length },
  ]);

const label = fc.constantFrom("a", "b", "example", "com", "org");
const dotted = (minLength: number) =>
  fc.array(label, { minLength, maxLength: 4 }).map((all) => all.join("."));

/** A host as `parseHost` would give it. */
export const host: fc.Arbitrary<string> = dotted(1);

/** A `server_name`. */
export const serverName: fc.Arbitrary<string> = fc.oneof(
  dotted(1),
  dotted(1).map((name) => "*." + name),
  dotted(1).map((name) => "." + name),
  dotted(1).map((name) => name + ".*"),
  dotted(1).map((name) => name.toUpperCase()),
);
