import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  compileLocations,
  explainLocation,
  findLocation,
  type LocationKey,
} from "../../lib/route/location.ts";
import { locations, target } from "./arbitraries.ts";
import { referenceLocation } from "./reference.ts";
import { parseTarget } from "../../lib/route/path.ts";

/** A key as nginx's config writes it; a `proxy_pass` is in every location. */
function key(text: string): LocationKey {
  const [modifier = "", path] = text.split(" ");
  if (path !== undefined && modifier.startsWith("~")) {
    return { kind: "regex", source: path, ignoreCase: modifier === "~*" };
  }
  const autoRedirect = text.endsWith("/");
  if (path === undefined) return { kind: "prefix", path: text, autoRedirect };
  const kind = modifier === "=" ? "exact" : "preferential";
  return { kind, path, autoRedirect };
}

function table(...keys: string[]) {
  return compileLocations(
    keys.map((text) => ({ key: key(text), value: text })),
  );
}

/** The key of what was found, with ` 301` for a redirect. */
function find(keys: string[], path: string): string | null {
  const match = findLocation(table(...keys), path);
  return match &&
    match.location + (match.kind === "redirect" ? " 301" : "");
}

Deno.test("the longest prefix wins, in whatever order the file has them", () => {
  const keys = ["/", "/api", "/api/rooms/", "/apiary"];
  for (const order of [keys, keys.toReversed()]) {
    strictEqual(find(order, "/"), "/");
    strictEqual(find(order, "/ap"), "/");
    strictEqual(find(order, "/api"), "/api");
    strictEqual(find(order, "/apiar"), "/api");
    strictEqual(find(order, "/apiary/x"), "/apiary");
    strictEqual(find(order, "/api/rooms"), "/api/rooms/ 301");
    strictEqual(find(order, "/api/rooms/1"), "/api/rooms/");
  }
});

Deno.test("no location is found where none matches", () => {
  strictEqual(find([], "/"), null);
  strictEqual(find(["/api", "= /x", "~ y"], "/ap"), null);
});

Deno.test("an exact location comes before everything else", () => {
  const keys = ["/a", "^~ /a/", "~ .", "= /a", "= /a/b"];
  strictEqual(find(keys, "/a"), "= /a");
  strictEqual(find(keys, "/a/b"), "= /a/b");
  strictEqual(find(keys, "/a/b/"), "^~ /a/");
});

Deno.test("an exact location is no prefix", () => {
  strictEqual(find(["/", "= /a"], "/a/b"), "/");
  strictEqual(find(["/", "= /a"], "/aa"), "/");
});

Deno.test("regular expressions come before prefixes, the first one in the file wins", () => {
  const keys = ["/img/", "~ \\.gif$", "~ ^/img/"];
  strictEqual(find(keys, "/img/a.gif"), "~ \\.gif$");
  strictEqual(find(keys, "/img/a"), "~ ^/img/");
  strictEqual(find(keys, "/a.GIF"), null);
  strictEqual(find(["~* \\.gif$"], "/a.GIF"), "~* \\.gif$");
});

Deno.test("a preferential prefix stops regular expressions only if it is the longest", () => {
  strictEqual(find(["^~ /img/", "~ ."], "/img/a"), "^~ /img/");
  strictEqual(find(["^~ /img/", "/img/a", "~ ."], "/img/a"), "~ .");
});

Deno.test("a path without the final slash of a location is redirected", () => {
  strictEqual(find(["/", "/a/"], "/a"), "/a/ 301");
  strictEqual(find(["/", "^~ /a/"], "/a"), "^~ /a/ 301");
  strictEqual(find(["/", "= /a/"], "/a"), "= /a/ 301");
  // Even past regular expressions, but not past a location of that path.
  strictEqual(find(["/a/", "~ ."], "/a"), "/a/ 301");
  strictEqual(find(["/a/", "/a"], "/a"), "/a");
  strictEqual(find(["/a/", "/a", "~ ."], "/a"), "~ .");
  strictEqual(find(["/a/", "= /a"], "/a"), "= /a");
  strictEqual(find(["/a/"], "/ab"), null);
  strictEqual(find(["/"], ""), null);
});

Deno.test("without autoRedirect nothing is redirected", () => {
  const found = findLocation(
    compileLocations([{ key: { kind: "prefix", path: "/a/" }, value: 1 }]),
    "/a",
  );
  strictEqual(found, null);
});

Deno.test("of two equal keys the first is used", () => {
  for (const kind of ["exact", "prefix", "preferential"] as const) {
    const entry = (value: number) => ({
      key: { kind, path: "/a/", autoRedirect: true },
      value,
    });
    const twice = compileLocations([entry(1), entry(2)]);
    strictEqual(findLocation(twice, "/a/")?.location, 1);
    strictEqual(findLocation(twice, "/a")?.location, 1);
  }
});

Deno.test("a path is matched byte by byte", () => {
  strictEqual(find(["/\xc3", "/\xc3\xa9"], "/\xc3\xa9x"), "/\xc3\xa9");
  strictEqual(find(["/\xc3", "/\xc3\xa9"], "/\xc3\xaa"), "/\xc3");
  strictEqual(find(["/a"], "/\u{161}"), null);
});

Deno.test("an invalid regular expression throws when it is compiled", () => {
  throws(() => table("~ ("), SyntaxError);
});

Deno.test("a search allocates no new match", () => {
  const locations = table("/", "/a/", "~ x");
  for (const path of ["/b", "/a", "/a/", "/x"]) {
    strictEqual(findLocation(locations, path), findLocation(locations, path));
  }
});

Deno.test("explain says why a location takes a path", () => {
  const why = (keys: string[], path: string) =>
    explainLocation(table(...keys), path).why;
  strictEqual(why(["/", "/api"], "/api/x"), "longest prefix of 2 locations");
  strictEqual(why(["/"], "/x"), "longest prefix of 1 location");
  strictEqual(
    why(["/", "~ \\.php$"], "/x"),
    "longest prefix of 2 locations; no regular expression matches",
  );
  strictEqual(
    why(["/", "/a", "~ \\.php$"], "/x.php"),
    "regular expression ~ \\.php$ comes before prefix /",
  );
  strictEqual(
    why(["~* x"], "/x"),
    "regular expression ~* x matches, and no prefix does",
  );
  strictEqual(
    why(["^~ /x", "~ x"], "/x"),
    "longest prefix of 2 locations; " +
      "^~ keeps regular expressions from being asked",
  );
  strictEqual(why(["/", "= /x"], "/x"), "exact");
  strictEqual(why(["/x\xc3\xa9/"], "/x\xc3\xa9"), "/xé/ without its slash");
  strictEqual(why(["/x"], "/"), "no location matches");
});

Deno.test("any path finds the location that the reference finds", () => {
  fc.assert(
    fc.property(locations, fc.array(target), (entries, targets) => {
      const compiled = compileLocations(entries);
      const paths = [
        ...targets.map((raw) => parseTarget(raw)?.path ?? raw),
        ...entries.flatMap(({ key }) =>
          key.kind === "regex"
            ? []
            : [key.path, key.path.slice(0, -1), key.path + "b"]
        ),
      ];
      for (const path of paths.filter((path) => path.startsWith("/"))) {
        const match = findLocation(compiled, path);
        deepStrictEqual(
          match && { kind: match.kind, location: match.location },
          referenceLocation(entries, path),
          path,
        );
        strictEqual(explainLocation(compiled, path).match, match);
      }
    }),
    { numRuns: 4000 },
  );
});
