import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { readings } from "../../lib/route/readings.ts";
import { referenceReadings } from "./reference.ts";

Deno.test("a path with nothing odd has one reading", () => {
  deepStrictEqual(readings("/a/%41%2520/"), new Set(["/a/A%20/"]));
});

Deno.test("an encoded slash parts segments or stays in one", () => {
  deepStrictEqual(readings("/a%2Fb"), new Set(["/a/b", "/a%2Fb"]));
});

Deno.test("doubled slashes are merged before dots are resolved, after it, or not", () => {
  deepStrictEqual(
    readings("/a//b//%2e%2e/c"),
    new Set([
      "/a//b//../c",
      "/a/b/../c",
      "/a//b/c",
      "/a/c",
      "/a/b/c",
    ]),
  );
});

Deno.test("a path that some would read above the root has no readings", () => {
  deepStrictEqual(readings("/a%2f..%2f..%2fb"), null);
});

Deno.test("any path is read in the ways of the reference", () => {
  const path = fc.array(
    fc.constantFrom("/", "//", ".", "..", "a", "%2f", "%2F", "%2e", "%25", ";"),
    { maxLength: 10 },
  ).map((pieces) => "/" + pieces.join(""));
  fc.assert(
    fc.property(path, (path) => {
      const expected = new Set(referenceReadings(path));
      deepStrictEqual(readings(path), expected.has(null) ? null : expected);
    }),
    { numRuns: 10_000 },
  );
});
