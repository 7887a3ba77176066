/**
 * From a path to the name of a file.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileName } from "../../../lib/content/static/file_name.ts";
import { utf8Bytes } from "../../../lib/route/bytes.ts";

const name = (path: string, hidden = false, windows = false) =>
  fileName(utf8Bytes(path), { hidden, windows });

Deno.test("the name of a file is that of the path, without empty segments", () => {
  assert.equal(name("/a/b.txt"), "a/b.txt");
  assert.equal(name("a//b/"), "a/b");
  assert.equal(name(""), "");
  assert.equal(name("/"), "");
  assert.equal(name("/ü/日本.txt"), "ü/日本.txt");
  assert.equal(name("/a b;c?d#e%41\\f"), "a b;c?d#e%41\\f");
});

Deno.test("dot segments, NUL and what is not UTF-8 are no names, whoever joined them", () => {
  for (const path of ["/..", "/a/../b", "/.", "../a", "/a\0", "/a/..\0"]) {
    assert.equal(name(path, true), null, JSON.stringify(path));
  }
  for (const bytes of ["\xff", "\xc0\xae\xc0\xae", "a\x80", "\xed\xa0\x80"]) {
    assert.equal(fileName(bytes, { hidden: true, windows: false }), null);
  }
});

Deno.test("hidden names are none, but for /.well-known/", () => {
  for (const path of ["/.env", "/a/.git/b", "/...", "/..a", "/.well-known2"]) {
    assert.equal(name(path), null, path);
    assert.equal(name(path, true), path.slice(1), path);
  }
  assert.equal(name("/.well-known/a"), ".well-known/a");
  assert.equal(name("/a/.well-known/a"), null);
  assert.equal(name("/.well-known/.env"), null);
});

Deno.test("names that mean something else on Windows are none there", () => {
  for (
    const path of [
      ...[
        "/a\\b",
        "/C:",
        "/c:/x",
        "/a.txt::$DATA",
        "/nul",
        "/NUL.txt",
        "/con ",
      ],
      ...["/COM1", "/lpt9.log", "/com¹.x", "/a.", "/a.txt ", "/a /b", "/GIT~1"],
      ...["/a*", "/a?", "/a|b", '/"', "/<", "/a\x01", "/aux/b", "/CONIN$"],
    ]
  ) {
    assert.equal(name(path, false, true), null, path);
    assert.notEqual(name(path), null, path);
  }
  for (
    const path of ["/a.b.c", "/console.log", "/nullable", "/com10", "/a~b"]
  ) {
    assert.equal(name(path, false, true), path.slice(1), path);
  }
});
