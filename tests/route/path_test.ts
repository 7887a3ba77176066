import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { parseTarget } from "../../lib/route/path.ts";
import { target } from "./arbitraries.ts";
import { referenceReadings, referenceTarget } from "./reference.ts";

/** [target, path, args] */
const ACCEPTED: [string, string, string][] = [
  ["/", "/", ""],
  ["/api/rooms", "/api/rooms", ""],
  ["/api?x=1", "/api", "x=1"],
  ["/api?", "/api", ""],
  ["/?a?b", "/", "a?b"],
  ["/a?b/../c//d", "/a", "b/../c//d"],
  ["/a?%zz", "/a", "%zz"],
  // Escapes.
  ["/%61pi", "/api", ""],
  ["/a%20b", "/a b", ""],
  ["/a%2541", "/a%41", ""],
  ["/a%3Fb?c", "/a?b", "c"],
  ["/a%23b", "/a#b", ""],
  ["/a+b", "/a+b", ""],
  ["/%C3%A9", "/\xc3\xa9", ""],
  ["/%ff", "/\xff", ""],
  ["/é", "/\xc3\xa9", ""],
  ["/😀?é", "/\xf0\x9f\x98\x80", "é"],
  // Slashes.
  ["//", "/", ""],
  ["/a//b", "/a/b", ""],
  ["/a///", "/a/", ""],
  ["/a%2fb", "/a/b", ""],
  ["/a/%2Fb", "/a/b", ""],
  ["/a\\b", "/a\\b", ""],
  ["/a%5cb", "/a\\b", ""],
  // Dot segments.
  ["/.", "/", ""],
  ["/a/.", "/a/", ""],
  ["/a/./b", "/a/b", ""],
  ["/a/../b", "/b", ""],
  ["/a/b/..", "/a/", ""],
  ["/a/b/../..", "/", ""],
  ["/a/%2e%2E/b", "/b", ""],
  ["/a/.%2e%2fb", "/b", ""],
  ["/a//../b", "/b", ""],
  ["/a/..?x", "/", "x"],
  ["/.vite/deps", "/.vite/deps", ""],
  ["/...", "/...", ""],
  ["/..a/a../b", "/..a/a../b", ""],
  ["/..%3f", "/..?", ""],
  ["/..%23/", "/..#/", ""],
  ["/..;/a", "/..;/a", ""],
  // A fragment, which no client should send.
  ["/a#b", "/a", ""],
  ["/a?b#c", "/a", "b"],
  ["/a/..#b?c", "/", ""],
  ["/a#%zz", "/a", ""],
];

const REFUSED = [
  "",
  "a",
  "*",
  "?a",
  "http://h/",
  "/..",
  "/../a",
  "/a/../..",
  "/%2e%2e",
  "/..%2fa",
  "//..",
  "/a//../../..",
  "/..#a",
  "/%",
  "/%4",
  "/a%4?",
  "/%zz",
  "/%é0",
  "/%00",
  "/a%00b",
  "/a b",
  "/a\tb",
  "/a\x7f",
  "/a?b c",
  "/a#\n",
];

Deno.test("a target is parsed as by nginx", () => {
  for (const [raw, path, args] of ACCEPTED) {
    const parsed = parseTarget(raw);
    ok(parsed, raw);
    deepStrictEqual([raw, parsed.path, parsed.args], [raw, path, args]);
    strictEqual(parsed.raw, raw);
  }
});

Deno.test("a target that nginx answers with 400 is refused", () => {
  for (const raw of REFUSED) strictEqual(parseTarget(raw), null, raw);
});

Deno.test("ordinary targets are plain, others are not", () => {
  for (
    const raw of [
      "/",
      "/api/",
      "/api?x=%20&y",
      "/@vite/client?t=1",
      "/.vite/a",
      "/.well-known/x",
      "/a|b:c",
      "/a'\"<>^`{}",
      "/a?",
      "/a?;\\'\"<>^`{}",
    ]
  ) strictEqual(parseTarget(raw)?.plain, true, raw);
  for (
    const raw of [
      "/a%20",
      "//",
      "/a//b",
      "/.",
      "/./",
      "/.?",
      "/..a",
      "/a\\b",
      "/a;b",
      "/.;",
      "/é",
      "/.é",
      "/a#",
      "/a?#",
      "/a?é",
    ]
  ) strictEqual(parseTarget(raw)?.plain, false, raw);
});

Deno.test("a target of 64 kB is parsed", () => {
  const path = parseTarget("/%41" + "a/../".repeat(13_000) + "b")?.path;
  strictEqual(path, "/b");
  const long = "x".repeat(65_000);
  strictEqual(parseTarget("/%41" + long)?.path, "/A" + long);
});

Deno.test("any target is parsed as by the reference", () => {
  fc.assert(
    fc.property(target, (raw) => {
      const parsed = parseTarget(raw);
      deepStrictEqual(
        parsed && { path: parsed.path, args: parsed.args },
        referenceTarget(raw),
      );
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("a normalised path has no dot segment, no doubled slash and no character beyond a byte", () => {
  fc.assert(
    fc.property(target, (raw) => {
      const path = parseTarget(raw)?.path ?? "/";
      ok(path.startsWith("/"));
      ok(!path.includes("//"));
      ok(!path.split("/").some((segment) => /^\.\.?$/.test(segment)));
      for (let i = 0; i < path.length; i++) ok(path.charCodeAt(i) < 256);
    }),
    { numRuns: 10_000 },
  );
});

Deno.test("a plain target's path and query are what was sent, and the path has one reading", () => {
  fc.assert(
    fc.property(target, (raw) => {
      const parsed = parseTarget(raw);
      if (!parsed?.plain) return;
      const [path = "", ...query] = raw.split("?");
      deepStrictEqual([parsed.path, parsed.args], [path, query.join("?")]);
      deepStrictEqual(new Set(referenceReadings(path)), new Set([path]));
    }),
    { numRuns: 10_000 },
  );
});
