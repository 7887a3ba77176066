import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { isAmbiguous, readings } from "../../lib/route/readings.ts";
import { referenceReadings } from "./reference.ts";

const PLAIN = "/a/%41%2520/\xe9";

Deno.test("an ordinary path has one reading", () => {
  deepStrictEqual(readings(PLAIN), new Set(["/a/A%20/\xe9"]));
  strictEqual(isAmbiguous(PLAIN), false);
});

const READINGS: [path: string, as: string[]][] = [
  // An encoded slash separates segments, or not.
  ["/a%2Fb", ["/a/b", "/a%2Fb"]],
  // Slashes are merged before dot segments are resolved, after it, or not.
  ["/a//b//%2e%2e/c", [
    "/a//b//../c",
    "/a/b/../c",
    "/a//b/c",
    "/a/c",
    "/a/b/c",
  ]],
  // `;` begins parameters, up to the next slash.
  ["/a;x=1/b;y", ["/a;x=1/b;y", "/a/b"]],
  ["/a/..;x/b", ["/a/..;x/b", "/a/../b", "/b"]],
  ["/a/%2e%2e;/b", ["/a/..;/b", "/a/../b", "/b"]],
  ["/a;%2Fb/c", ["/a;/b/c", "/a;%2Fb/c", "/a/c"]],
  // Encoded it is a letter.
  ["/a/..%3B/b", ["/a/..;/b"]],
  // A backslash is a slash, raw or also encoded.
  ["/a\\..\\b", ["/a\\..\\b", "/a/../b", "/b"]],
  ["/a%5c..%5Cb", ["/a\\..\\b", "/a/../b", "/b"]],
  ["/a\\b%5cc", ["/a\\b\\c", "/a/b\\c", "/a\\b/c", "/a/b/c"]],
  ["/a;\\b", ["/a;\\b", "/a", "/a;/b", "/a/b"]],
  // Two slashes begin a host.
  ["//a/b", ["//a/b", "/a/b", "/b"]],
  ["/\\/a", ["/\\/a", "///a", "/a", "/"]],
  // A fragment is cut off, or none.
  ["/a#/../b", ["/a#/../b", "/a", "/b"]],
  ["/a#%zz%2f", ["/a", "/a#%zz/", "/a#%zz%2f"]],
];

for (const [path, as] of READINGS) {
  Deno.test(`${path} is read as ${as.join(", ")}`, () => {
    deepStrictEqual(readings(path), new Set(as));
    strictEqual(isAmbiguous(path), as.length > 1);
  });
}

Deno.test("a path that some would read above the root has no readings", () => {
  deepStrictEqual(readings("/a%2f..%2f..%2fb"), null);
  deepStrictEqual(readings("/..;/a"), null);
  deepStrictEqual(readings("/..%5ca"), null);
});

Deno.test("a path that would take long to read in all ways has no readings", () => {
  strictEqual(readings("/" + "a%2F".repeat(16_000))?.size, 2);
  ok(readings("/" + "%5c\\;//#%2F".repeat(50)));
  strictEqual(readings("/" + "%5c\\;//#%2F".repeat(5_000)), null);
});

Deno.test("any path has the readings of the reference", () => {
  const path = fc.array(
    fc.constantFrom(
      ...["/", "//", ".", "..", "a", "%2f", "%2F", "%2e", "%25", ";", "%3b"],
      ...["\\", "%5c", "%5C", "#", "%z", "\xe9"],
    ),
    { maxLength: 10 },
  ).map((pieces) => "/" + pieces.join(""));
  fc.assert(
    fc.property(path, (path) => {
      const expected = new Set(referenceReadings(path));
      deepStrictEqual(readings(path), expected.has(null) ? null : expected);
      const hasDots = /\/(\.|%2e)/.test(path);
      ok(expected.size === 1 || hasDots || isAmbiguous(path), path);
    }),
    { numRuns: 3_000 },
  );
});
