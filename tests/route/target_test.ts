import { ok, strictEqual } from "node:assert/strict";
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
  const match = parsed && findLocation(table, parsed.path);
  return match && forwardTarget(parsed, table, match.location);
}

function replace(raw: string, prefix: string, passUri: string): string | null {
  const parsed = parseTarget(raw);
  ok(parsed, raw);
  return replaceTarget(parsed, prefix, passUri);
}

Deno.test("a plain target is sent as it came", () => {
  for (
    const raw of [
      "/",
      "/api/rooms?x=1",
      "/a?",
      "/a?b?c/../%zz",
      "/.vite/deps/vue.js?v=1",
      "/a;b|c,d=e[f]@g:h+i!j$k&l'm(n)*o~p",
    ]
  ) strictEqual(forward(["/"], raw), raw);
});

Deno.test("escapes and odd characters stay what they are where they have one meaning", () => {
  const paths = ["/", "/api", "/admin"];
  for (
    const [raw, sent] of [
      ["/caf%c3%a9", "/caf%c3%a9"],
      ["/%61pi/x%20y", "/%61pi/x%20y"],
      ["/a%25b%3F%23", "/a%25b%3F%23"],
      ["/a%5cb", "/a%5cb"],
      // `fetch` would make these of them, or in the backslash's case a slash.
      ["/é", "/%C3%A9"],
      ['/a"<>`{}^', "/a%22%3C%3E%60%7B%7D%5E"],
      ["/api\\..\\admin", "/api%5C..%5Cadmin"],
    ]
  ) strictEqual(forward(paths, raw ?? ""), sent);
});

Deno.test("an encoded or a doubled slash stays where it changes nothing", () => {
  const paths = ["/", "/api/files/", "/admin"];
  strictEqual(forward(paths, "/api/files/a%2Fb"), "/api/files/a%2Fb");
  strictEqual(forward(paths, "/api/files//a"), "/api/files//a");
  strictEqual(forward(paths, "//"), "//");
  strictEqual(forward(paths, "/api/files/a%2f"), "/api/files/a%2f");
  strictEqual(forward(["/"], "/a%2f..%2fb"), "/a%2f..%2fb");
});

Deno.test("a slash that could lead to another location is normalised", () => {
  const paths = ["/", "/api/", "/api/admin/", "/admin"];
  strictEqual(forward(paths, "/api//admin/x"), "/api/admin/x");
  strictEqual(forward(paths, "/api%2fadmin/x"), "/api/admin/x");
  strictEqual(forward(paths, "//admin"), "/admin");
  strictEqual(forward(paths, "/api/x%2f..%2f..%2fadmin"), "/admin");
  strictEqual(forward(paths, "/x%2f..%2fadmin"), "/admin");
});

Deno.test("dot segments are resolved as nginx does it", () => {
  const paths = ["/", "/api", "/admin"];
  strictEqual(forward(paths, "/api/./x"), "/api/x");
  strictEqual(forward(paths, "/api/../admin/"), "/admin/");
  strictEqual(forward(paths, "/api/%2e%2E/admin"), "/admin");
  strictEqual(forward(paths, "/x/.."), "/");
  strictEqual(forward(paths, "/api/./a%2Fb"), "/api/a%2Fb");
  // WHATWG would take the empty segment away and not `x`.
  strictEqual(forward(paths, "/api/x//../y"), "/api/y");
});

Deno.test("the query goes as received, but for what fetch would rewrite or drop", () => {
  strictEqual(forward(["/"], "/é?a=%zz&b=/../"), "/%C3%A9?a=%zz&b=/../");
  strictEqual(
    forward(["/"], "/a?'\"<>é^`{}|\\"),
    "/a?%27%22%3C%3E%C3%A9^`{}|\\",
  );
  strictEqual(forward(["/"], "/a?b#c"), "/a?b");
  strictEqual(forward(["/"], "/a#b?c"), "/a");
  strictEqual(forward(["/"], "/%20?"), "/%20?");
  strictEqual(forward(["/", "/b"], "//b?x=//"), "/b?x=//");
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
  strictEqual(replace("/api//%2e/x%2fy%20z?'", "/api/", "/"), "/x/y%20z?%27");
  strictEqual(replace("/api/a%2525é", "/api/", "/"), "/a%2525%C3%A9");
});

Deno.test("a query in proxy_pass stays where it is", () => {
  strictEqual(replace("/api/x?y", "/api", "/v1?a=1"), "/v1?a=1/x?y");
  strictEqual(replace("/api../x'", "/api", "/v1/?a="), "/v1/?a=../x%27");
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
      forwarded++;
      if (pathOf(sent) !== escapePath(referenceTarget(raw)?.path ?? "")) kept++;
      const seen = new URL("http://h" + sent).pathname;
      for (const path of [pathOf(sent), seen]) {
        for (const reading of referenceReadings(path)) {
          const match = reading === null ? null : findLocation(table, reading);
          strictEqual(match?.kind, "found", `${sent} read as ${reading}`);
          strictEqual(match.location, location, `${sent} read as ${reading}`);
        }
      }
    }),
    { numRuns: 20_000 },
  );
  // Neither refusing everything nor normalising everything would do.
  ok(forwarded > 5000, `${forwarded} forwarded`);
  ok(kept > 1000, `${kept} kept as they came`);
});

Deno.test("what is forwarded is to nginx the very path that was matched", () => {
  fc.assert(
    fc.property(locations, target, (entries, raw) => {
      const result = send(entries, raw);
      if (result === null) return;
      strictEqual(
        referencePath(pathOf(result.sent)),
        referenceTarget(raw)?.path,
      );
    }),
    { numRuns: 10_000 },
  );
});

Deno.test("what is forwarded passes a URL parser unchanged", () => {
  fc.assert(
    fc.property(locations, target, (entries, raw) => {
      const result = send(entries, raw);
      if (result === null) return;
      const url = "http://h" + result.sent;
      strictEqual(new URL(url).href, url);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("what replaces a prefix passes a URL parser unchanged, and stays under it", () => {
  const passUri = fc.constantFrom("/", "/v1", "/v1/", "/v1/x", "/v1/?a=", "/?");
  fc.assert(
    fc.property(target, fc.nat(), passUri, (raw, cut, passUri) => {
      const parsed = parseTarget(raw);
      if (parsed === null) return;
      const prefix = parsed.path.slice(0, 1 + cut % parsed.path.length);
      const sent = replaceTarget(parsed, prefix, passUri);
      if (sent === null) return;
      ok(sent.startsWith(passUri), sent);
      const url = "http://h" + sent;
      strictEqual(new URL(url).href, url);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("fetch sends what is forwarded letter for letter", async () => {
  const seen: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      seen.push(request.url.slice(request.url.indexOf("/", 7)));
      return new Response(null);
    },
  );
  const sent = fc.sample(target, 400)
    .map((raw) => send([{ key: { kind: "prefix", path: "/" }, value: 0 }], raw))
    .flatMap((result) => result === null ? [] : [result.sent]);
  for (const target of sent) {
    const url = `http://127.0.0.1:${server.addr.port}${target}`;
    await (await fetch(url)).body?.cancel();
  }
  await server.shutdown();
  ok(sent.length > 50);
  strictEqual(seen.join("\n"), sent.join("\n"));
});
