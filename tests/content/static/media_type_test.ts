/**
 * The Content-Type of a file.
 *
 * @module
 */
import assert from "node:assert/strict";
import { contentType } from "../../../lib/content/static/media_type.ts";

const SETTINGS = {
  types: new Map([["wasm", "application/x-own"], ["md", "text/x; charset=a"]]),
  default_type: "application/octet-stream",
  charset: "utf-8",
};

Deno.test("a file's media type is that of its extension, text has a charset", () => {
  for (
    const [name, type] of [
      ["index.html", "text/html; charset=utf-8"],
      ["a/b.css", "text/css; charset=utf-8"],
      ["app.JS", "text/javascript; charset=utf-8"],
      ["app.mjs", "text/javascript; charset=utf-8"],
      ["app.js.map", "application/json"],
      ["site.webmanifest", "application/manifest+json"],
      ["a.svg", "image/svg+xml"],
      ["a.avif", "image/avif"],
      ["a.woff2", "font/woff2"],
      ["favicon.ico", "image/x-icon"],
      [
        "a.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
      ],
      ["a.wasm", "application/x-own"],
      ["a.md", "text/x; charset=a"],
      ["noext", "application/octet-stream"],
      ["a.b/noext", "application/octet-stream"],
      ["dot.", "application/octet-stream"],
      ["a.constructor", "application/octet-stream"],
      ["a.__proto__", "application/octet-stream"],
    ] as const
  ) {
    assert.equal(contentType(name, SETTINGS), type, name);
  }
  assert.equal(
    contentType("a.txt", { ...SETTINGS, charset: null }),
    "text/plain",
  );
});
