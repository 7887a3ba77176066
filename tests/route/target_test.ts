import { match, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  compileLocations,
  findLocation,
  type LocationEntry,
  type LocationTable,
} from "../../lib/route/location.ts";
import { parseTarget } from "../../lib/route/path.ts";
import {
  escapePath,
  forwardTarget,
  replaceTarget,
} from "../../lib/route/target.ts";
import { completeLocations, locations, target } from "./arbitraries.ts";
import {
  referencePath,
  referenceReadings,
  referenceTarget,
  toBytes,
} from "./reference.ts";

function prefixes(...paths: string[]): LocationTable<string> {
  return compileLocations(
    paths.map((path) => ({ key: { kind: "prefix", path }, value: path })),
  );
}

/** What is sent for a target, given these prefixes. */
function forward(paths: string[], raw: string): string | null {
  const table = prefixes(...paths);
  const parsed = parseTarget(raw);
  ok(parsed, raw);
  const match = findLocation(table, parsed.path);
  ok(match, raw);
  return forwardTarget(parsed, table, match.location);
}

/** What is sent for a target that `prefix` takes, with these other prefixes. */
function replace(
  raw: string,
  prefix: string,
  passUri: string,
  ...others: string[]
): string | null {
  const parsed = parseTarget(raw);
  ok(parsed, raw);
  const table = prefixes(prefix, ...others);
  strictEqual(findLocation(table, parsed.path)?.location, prefix);
  return replaceTarget(parsed, prefix, passUri, table, prefix);
}

Deno.test("a target with one reading is sent as it came, byte for byte", () => {
  for (
    const raw of [
      "/",
      "/api/rooms?x=1",
      "/a?",
      "/a?b?c/../%zz",
      "/.vite/deps/vue.js?v=1",
      "/a|b,c=d[e]@f:g+h!i$j&k'l(m)*n~o",
      "/caf%c3%a9",
      "/%61pi/x%20y",
      "/a%25b%3F%23%3b",
      '/a"<>`{}^',
      "/a?'\"<>^`{}|\\#b",
      "/%20?",
      "/%20?#",
    ]
  ) strictEqual(forward(["/", "/api", "/admin"], raw), raw);
});

Deno.test("raw UTF-8 is sent as its bytes", () => {
  strictEqual(forward(["/"], "/é😀?é"), "/\xc3\xa9\xf0\x9f\x98\x80?\xc3\xa9");
  strictEqual(forward(["/"], "/é/./?é"), "/\xc3\xa9/?\xc3\xa9");
  strictEqual(forward(["/", "/b"], "//b?é"), "/b?\xc3\xa9");
});

Deno.test("an ambiguous path is sent as it came where all readings find its location", () => {
  const paths = ["/", "/api/files/", "/admin"];
  for (
    const raw of [
      "/api/files/a%2Fb",
      "/api/files//a",
      "/api/files/a%2f",
      "/api/files/a;v=1/b;c",
      "/api/files/a\\b",
      "/api/files/a%5cb",
      "/api/files/a#b?c",
      "/api/files/a/..;/b",
      "/x//y",
      "/x;y",
      "//",
    ]
  ) strictEqual(forward(paths, raw), raw);
  strictEqual(forward(["/"], "/a%2f..%2fb"), "/a%2f..%2fb");
  strictEqual(forward(["/"], "/a\\..\\b;c"), "/a\\..\\b;c");
});

Deno.test("a slash that could lead to another location is normalised", () => {
  const paths = ["/", "/api/", "/api/admin/", "/admin"];
  strictEqual(forward(paths, "/api//admin/x"), "/api/admin/x");
  strictEqual(forward(paths, "/api%2fadmin/x"), "/api/admin/x");
  strictEqual(forward(paths, "//admin"), "/admin");
  strictEqual(forward(paths, "/api/x%2f..%2f..%2fadmin"), "/admin");
  strictEqual(forward(paths, "/x%2f..%2fadmin"), "/admin");
  // A URL parser takes the first segment for a host.
  strictEqual(forward(paths, "//x/admin"), "/x/admin");
});

Deno.test("parameters of a path that could lead to another location are escaped", () => {
  const paths = ["/", "/api", "/admin"];
  strictEqual(forward(paths, "/api/..;/admin"), "/api/..%3B/admin");
  strictEqual(
    forward(paths, "/api/%2e%2e;x=1/admin?;"),
    "/api/..%3Bx=1/admin?;",
  );
  strictEqual(forward(paths, "/x;/../admin;x=1/.."), "/");
  strictEqual(forward(paths, "/;/admin"), "/%3B/admin");
  strictEqual(forward(paths, "/admi;n/x"), "/admi;n/x");
  // Above the root.
  strictEqual(forward(["/"], "/..;/admin"), "/..%3B/admin");
});

Deno.test("a backslash that could lead to another location is refused", () => {
  const paths = ["/", "/api", "/admin"];
  for (
    const raw of [
      "/api\\..\\admin",
      "/api/..\\admin",
      "/api/..%5cadmin",
      "/api%5C..%5Cadmin",
      "/api/..;\\..\\..\\admin",
      "/%2e%2e%5cadmin",
    ]
  ) strictEqual(forward(paths, raw), null, raw);
  // Raw, a URL parser takes `x` for a host; escaped it does not.
  strictEqual(forward(paths, "/\\x/admin"), "/%5Cx/admin");
});

Deno.test("a fragment that could lead to another location is removed, with a query in it", () => {
  const paths = ["/", "/api", "/admin"];
  strictEqual(forward(paths, "/api#/../api/x?y"), "/api#/../api/x?y");
  strictEqual(forward(paths, "/x#/../../admin"), "/x");
  strictEqual(forward(paths, "/x#/../admin?y"), "/x");
  strictEqual(forward(paths, "//admin?x#y"), "/admin?x");
});

Deno.test("dot segments are resolved as nginx does it", () => {
  const paths = ["/", "/api", "/admin"];
  strictEqual(forward(paths, "/api/./x"), "/api/x");
  strictEqual(forward(paths, "/api/../admin/"), "/admin/");
  strictEqual(forward(paths, "/api/%2e%2E/admin"), "/admin");
  strictEqual(forward(paths, "/x/.."), "/");
  strictEqual(forward(paths, "/api/./a%2Fb^"), "/api/a%2Fb^");
  // WHATWG would take the empty segment away and not `x`.
  strictEqual(forward(paths, "/api/x//../y"), "/api/y");
  strictEqual(forward(paths, "/api/./x//y"), "/api/x//y");
});

Deno.test("a path is escaped as nginx does it, in capital digits", () => {
  strictEqual(escapePath("/a/b;c:d@e&f=g+h$i,j"), "/a/b;c:d@e&f=g+h$i,j");
  strictEqual(escapePath("/-._~!*'()[]"), "/-._~!*'()[]");
  strictEqual(
    escapePath(' "#%<>?\\^`{|}'),
    "%20%22%23%25%3C%3E%3F%5C%5E%60%7B%7C%7D",
  );
  strictEqual(escapePath("\x01\x1f\x7f\x80\xff"), "%01%1F%7F%80%FF");
});

Deno.test("a URI in proxy_pass replaces the location's prefix", () => {
  strictEqual(replace("/api/x?y", "/api/", "/"), "/x?y");
  strictEqual(replace("/api/x", "/api", "/v1"), "/v1/x");
  strictEqual(replace("/api/x", "/api/", "/v1"), "/v1x");
  strictEqual(replace("/api/x", "/api", "/"), "//x");
  strictEqual(replace("/api", "/api", "/v1/"), "/v1/");
  strictEqual(replace("/api?", "/api", "/v1"), "/v1");
  strictEqual(replace("/api//%2e/x%2fy%20z?'", "/api/", "/"), "/x/y%20z?'");
  strictEqual(replace("/api/a%2525é", "/api/", "/"), "/a%2525%C3%A9");
  // As in nginx a path is escaped again only if it was escaped.
  strictEqual(replace('/api/./"é?é#x', "/api/", "/"), '/"\xc3\xa9?\xc3\xa9');
  strictEqual(replace("/api/|^", "/api/", "/"), "/|^");
  strictEqual(replace("/api/|^?%41", "/api/", "/"), "/|^?%41");
});

Deno.test("a query in proxy_pass stays where it is", () => {
  strictEqual(replace("/api/x?y", "/api", "/v1?a=1"), "/v1?a=1/x?y");
  strictEqual(replace("/api../x'", "/api", "/v1/?a="), "/v1/?a=../x'");
  strictEqual(replace("/api/..;/x", "/api", "/v1/?a="), "/v1/?a=/..;/x");
});

Deno.test("a path that would climb out of the URI in proxy_pass is refused", () => {
  strictEqual(replace("/api../x", "/api", "/v1/"), null);
  strictEqual(replace("/api..", "/api", "/v1/"), null);
  strictEqual(replace("/api./x", "/api", "/v1/"), null);
  strictEqual(replace("/api./x", "/api", "/v1/."), null);
  strictEqual(replace("/api%2e%2e/x", "/api", "/v1/"), null);
  strictEqual(replace("/api.../x", "/api", "/v1/"), "/v1/.../x");
  strictEqual(replace("/api../x", "/api", "/v1"), "/v1../x");
});

Deno.test("what follows the URI of proxy_pass is sent only in a form that stays below it in all readings", () => {
  const replaced = (rest: string) =>
    replace("/api/" + rest, "/api/", "/v1/", "/api/admin/", "/");
  strictEqual(replaced("a;v=1/b"), "/v1/a;v=1/b");
  strictEqual(replaced("a/..;/b"), "/v1/a/..;/b");
  strictEqual(replaced("a\\b"), "/v1/a\\b");
  strictEqual(replaced("a%5cb"), "/v1/a%5Cb");
  // It would leave /v1/, or be what /api/admin/ answers for.
  strictEqual(replaced("..;/x"), "/v1/..%3B/x");
  strictEqual(replaced("..;/v1/x"), "/v1/..;/v1/x");
  strictEqual(replaced("..;/v1/admin/x"), "/v1/..%3B/v1/admin/x");
  strictEqual(replaced("a/..;/admin/x"), "/v1/a/..%3B/admin/x");
  strictEqual(replaced("admin;/x"), "/v1/admin%3B/x");
  strictEqual(replaced("..\\x"), null);
  strictEqual(replaced("..%5cx"), null);
  strictEqual(replaced("admin%5Cx"), null);
  strictEqual(replaced("a%5c..%5cadmin%5cx"), null);
  // Where passUri and path join.
  strictEqual(replace("/api..;/x", "/api", "/v1/"), "/v1/..%3B/x");
  strictEqual(replace("/api..\\x", "/api", "/v1/"), null);
  // What the config itself writes is taken as it is meant.
  strictEqual(replace("/api/a;b", "/api/", "/v1;x/"), "/v1;x/a;b");
});

/** What was matched and what is sent, null for what is not forwarded. */
function send(entries: LocationEntry<number>[], raw: string) {
  const table = compileLocations(entries);
  const parsed = parseTarget(raw);
  if (parsed === null) return null;
  const match = findLocation(table, parsed.path);
  if (match?.kind !== "found") return null;
  const { location } = match;
  return { table, location, sent: forwardTarget(parsed, table, location) };
}

function pathOf(sent: string): string {
  return sent.split("?")[0] ?? "";
}

Deno.test("what is forwarded never means another location", () => {
  let forwarded = 0;
  let kept = 0;
  fc.assert(
    fc.property(completeLocations, target, (entries, raw) => {
      const result = send(entries, raw);
      if (result === null) return;
      const { table, location, sent } = result;
      if (sent === null) {
        ok(/\\|%5c/i.test(raw), `${raw} is refused`);
        return;
      }
      forwarded++;
      if (pathOf(sent) !== escapePath(referenceTarget(raw)?.path ?? "")) kept++;
      const seen = [...referenceReadings(pathOf(sent)), ...readByUrl(sent)];
      for (const reading of seen) {
        const match = reading === null ? null : findLocation(table, reading);
        strictEqual(match?.kind, "found", `${sent} read as ${reading}`);
        strictEqual(match.location, location, `${sent} read as ${reading}`);
      }
    }),
    { numRuns: 10_000 },
  );
  // Neither refusing everything nor normalising everything would do.
  ok(forwarded > 2500, `${forwarded} forwarded`);
  ok(kept > 800, `${kept} kept as they came`);
});

/**
 * The path as servers on Node read it, `new URL(request.url, base)`, decoded;
 * nothing where that throws.
 */
function readByUrl(sent: string): (string | null)[] {
  const ascii = sent.replace(
    /[\x80-\xff]/g,
    (byte) => "%" + byte.charCodeAt(0).toString(16),
  );
  const url = URL.parse(ascii, "http://base");
  return url === null ? [] : [referencePath(url.pathname)];
}

Deno.test("nginx would read what is forwarded as the path that was matched", () => {
  fc.assert(
    fc.property(locations, target, (entries, raw) => {
      const { sent = null } = send(entries, raw) ?? {};
      if (sent === null) return;
      strictEqual(
        referencePath(pathOf(sent).replace(/#.*/, "")),
        referenceTarget(raw)?.path,
      );
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("what is forwarded is valid in a request line", () => {
  fc.assert(
    fc.property(locations, target, (entries, raw) => {
      const { sent = null } = send(entries, raw) ?? {};
      if (sent !== null) match(sent, /^\/[\x21-\x7e\x80-\xff]*$/);
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("a target without dot segments whose readings all find its location is sent as it came, as nginx does", () => {
  let same = 0;
  fc.assert(
    fc.property(completeLocations, target, (entries, raw) => {
      const result = send(entries, raw);
      const path = toBytes(pathOf(raw));
      if (result === null || /\/(\.|%2e){1,2}(\/|#|$)/i.test(path)) return;
      const { table, location, sent } = result;
      const isOne = referenceReadings(path).every((reading) => {
        const match = reading === null ? null : findLocation(table, reading);
        return match?.kind === "found" && match.location === location;
      });
      if (!isOne) return;
      same++;
      strictEqual(sent, toBytes(raw));
    }),
    { numRuns: 5_000 },
  );
  ok(same > 500, `${same} sent as they came`);
});

Deno.test("all readings of what is sent are below the URI of proxy_pass and belong to the location", () => {
  const passUri = fc.constantFrom("/v1/", "/v1/x/", "/");
  let refused = 0;
  let replaced = 0;
  fc.assert(
    fc.property(completeLocations, target, passUri, (entries, raw, passUri) => {
      const table = compileLocations(entries);
      const parsed = parseTarget(raw);
      const match = parsed && findLocation(table, parsed.path);
      if (!parsed || match?.kind !== "found") return;
      const { key, location } = match;
      if (key.kind === "regex" || !key.path.endsWith("/")) return;
      const { path: prefix } = key;
      const sent = replaceTarget(parsed, prefix, passUri, table, location);
      if (sent === null) return void refused++;
      replaced++;
      for (const reading of referenceReadings(pathOf(sent))) {
        ok(reading !== null, `${sent} is read as above the root`);
        ok(reading.startsWith(passUri), `${sent} read as ${reading}`);
        const meant = prefix + reading.slice(passUri.length);
        const other = findLocation(table, meant);
        strictEqual(other?.location, location, `${sent} read as ${reading}`);
      }
    }),
    { numRuns: 4_000 },
  );
  ok(replaced > 400, `${replaced} replaced`);
  ok(refused > 20, `${refused} refused`);
});
