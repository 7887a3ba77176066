/**
 * No request gets out of a folder, nor to what is hidden in it.
 *
 * @module
 */
import { FULL } from "../../support/full.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Search } from "../../../lib/content/static/find.ts";
import { Folders } from "../../../lib/content/static/folders.ts";
import { LocalResponse } from "../../../lib/exchange/local_response.ts";
import { type Folder, makeFolder } from "../../support/folder.ts";
import { located } from "../../request/exchange_fixture.ts";

const FILES = {
  "secret.txt": "out",
  "www2/secret.txt": "out",
  "www/a.txt": "in",
  "www/index.html": "in",
  "www/sub/b.txt": "in",
  "www/sub/index.html": "in",
  "www/.env": "hidden",
  "www/.git/config": "hidden",
  "www/.well-known/token": "in",
  "www/.well-known/.env": "hidden",
  "www/..a/b": "hidden",
};

const LINKS = {
  "www/out": "../secret.txt",
  "www/up": "..",
  "www/root": "/",
  "www/beside": "../www2",
  "www/sub/top": "..",
  "www/hidden": ".git",
};

/** To make a link on Windows takes a right that few have. */
const ignore = Deno.build.os === "windows";

/** What a target is made of. */
const PIECES = [
  ...["/", "/", "/", "//", "\\", "%2f", "%2F", "%5c", "%252f", "%c0%af"],
  ...[".", "..", "%2e", "%2e%2e", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "..."],
  ...["www", "www2", "secret.txt", "a.txt", "sub", "b.txt", "index.html"],
  ...["out", "up", "root", "beside", "top", "hidden", "etc/passwd", "C:"],
  ...[".env", ".git", "config", ".well-known", "token", "..a", "b", "token/"],
  ...["%00", "%0a", ";", "?", "%3f", "#", "%23", "é", "%ff", " ", "+", "~"],
  ...["::$DATA", "nul", "GIT~1", "%u002e", "．．", "x".repeat(300)],
];

/** What many targets end with, to get to a file. */
const ENDS = ["", "a.txt", "/a.txt", "/sub/b.txt", "/../secret.txt", "/.env"];

/** Each way to name a folder, and the part of a path before its files. */
const LOCATIONS = (www: string): [prefix: string, location: object][] => [
  ["/", { root: www }],
  ["/sub", { root: www }],
  ["/alias/", { alias: `${www}/` }],
  ["/alias", { alias: `${www}/` }],
  ["/bare", { alias: www }],
  ["/", { root: www, try_files: "$uri $uri/ /index.html" }],
  ["/", { root: www, try_files: "/sub$uri /$arg_x =404" }],
  ["/alias/", { alias: www, try_files: "$uri /alias/$arg_x =404" }],
  ["/", { root: www, index: "index.html sub/index.html" }],
];

Deno.test("no target finds a file that is outside of the folder or hidden", {
  ignore,
}, async () => {
  await using folder = await makeFolder(FILES, LINKS);
  const www = `${folder.path}/www`;
  const folders = new Folders();
  let found = 0;
  for (const [prefix, location] of LOCATIONS(www)) {
    const config = { locations: { [prefix]: location } };
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...PIECES), { maxLength: 6 }),
        fc.constantFrom(...ENDS),
        (pieces, end) => {
          const { exchange, result } = located(config, {
            target: prefix + pieces.join("") + end,
          });
          if (result instanceof LocalResponse) return;
          assert(result.content.kind === "static");
          const answer = new Search(result, result.content, folders)
            .find(exchange);
          if (!("entry" in answer)) return;
          const { path } = answer.entry;
          assert(path === www || path.startsWith(`${www}/`), path);
          const name = path.slice(www.length);
          // A link to something hidden is somebody's wish.
          if (exchange.path.includes("hidden")) return;
          assert(!/\/\.(?!well-known(\/[^.]|$))/.test(name), name);
          if (answer.kind === "file") {
            assert.equal(Deno.readTextFileSync(path), "in");
            found++;
          }
        },
      ),
      { numRuns: FULL ? 2_000 : 700 },
    );
  }
  // Else all would hold for a folder that can't be read at all.
  assert(found > 100, `${found} files`);
});

/** The path in the folder of what a target finds, or a status. */
function found(folder: Folder, target: string, disable_symlinks: string) {
  const { exchange, result } = located({
    locations: { "/": { root: `${folder.path}/www`, disable_symlinks } },
  }, { target });
  assert(!(result instanceof LocalResponse));
  assert(result.content.kind === "static");
  const answer = new Search(result, result.content, new Folders())
    .find(exchange);
  return "entry" in answer
    ? answer.entry.path.slice(folder.path.length)
    : "status" in answer && answer.status;
}

Deno.test("with disable_symlinks off a link leads anywhere, with on nowhere", {
  ignore,
}, async () => {
  await using folder = await makeFolder(FILES, LINKS);
  for (
    const [target, outside, off, on] of [
      ["/out", 403, "/secret.txt", 403],
      ["/up/secret.txt", 403, "/secret.txt", 403],
      ["/beside/secret.txt", 403, "/www2/secret.txt", 403],
      ["/sub/top/a.txt", "/www/a.txt", "/www/a.txt", 403],
      ["/hidden/config", "/www/.git/config", "/www/.git/config", 403],
      ["/a.txt", "/www/a.txt", "/www/a.txt", "/www/a.txt"],
      ["/a.txt/b", 404, 404, 404],
      ["/none", 404, 404, 404],
    ] as const
  ) {
    assert.deepEqual(
      ["outside", "off", "on"].map((links) => found(folder, target, links)),
      [outside, off, on],
      target,
    );
  }
});

Deno.test("a link is no other spelling of its target's name", {
  // Elsewhere the two are one name.
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using folder = await makeFolder(FILES, {
    "www/A.txt": "a.txt",
    "www/Sub": "sub",
  });
  for (
    const [target, path] of [["/A.txt", "a.txt"], ["/Sub/b.txt", "sub/b.txt"]]
  ) {
    assert.equal(found(folder, target ?? "", "outside"), `/www/${path}`);
    assert.equal(found(folder, target ?? "", "on"), 403);
  }
});

Deno.test("a file has one name, also where the file system knows several", {
  ignore: Deno.build.os === "linux",
}, async () => {
  await using folder = await makeFolder({ "www/a.txt": "in" });
  assert.equal(found(folder, "/A.txt", "outside"), 404);
  assert.match(String(found(folder, "/a.txt", "outside")), /www.a\.txt$/);
});
