import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { compileLocations, findLocation } from "../../lib/route/location.ts";
import { parseTarget } from "../../lib/route/path.ts";
import { forwardTarget } from "../../lib/route/target.ts";
import { fetchTarget } from "../../lib/transport/fetch_request.ts";
import { locations, target } from "../route/arbitraries.ts";
import { referencePath, referenceReadings } from "../route/reference.ts";

Deno.test("a target that is a valid URI is given to fetch unchanged", () => {
  for (const sent of ["/", "/a;b|c%2f/%5c..?d|%zz[e]`{}", "//a/[b]?"]) {
    strictEqual(fetchTarget(sent), sent);
  }
});

Deno.test("what a URL parser would rewrite is escaped before", () => {
  const paths: [sent: string, given: string][] = [
    ['/a"<>`{}^', "/a%22%3C%3E%60%7B%7D%5E"],
    ["/a\\..\\b", "/a%5C..%5Cb"],
    ["/\xc3\xa9\xff?\xc3\xa9", "/%C3%A9%FF?%C3%A9"],
    ["/'?'\"<>^`{}|\\", "/'?%27%22%3C%3E^`{}|\\"],
    ["/a#b?c", "/a"],
    ["/a?b#c", "/a?b"],
  ];
  for (const [sent, given] of paths) strictEqual(fetchTarget(sent), given);
});

/** Random targets, as they are sent upstream. */
const forwarded = fc.tuple(locations, target).map(([entries, raw]) => {
  const table = compileLocations(entries);
  const parsed = parseTarget(raw);
  const match = parsed && findLocation(table, parsed.path);
  return match?.kind === "found"
    ? forwardTarget(parsed!, table, match.location)
    : null;
}).filter((sent) => sent !== null);

Deno.test("any target that is given to fetch passes a URL parser unchanged and keeps its meaning", () => {
  fc.assert(
    fc.property(forwarded, (sent) => {
      const given = fetchTarget(sent);
      strictEqual(new URL("http://h" + given).href, "http://h" + given);
      const [path = ""] = sent.split("?");
      const [givenPath = ""] = given.split("?");
      strictEqual(
        referencePath(givenPath),
        referencePath(path.replace(/#.*/, "")),
      );
      // How many slashes are left of `//\\/` depends on whether the `\` is
      // escaped; what they lead to does not.
      const merged = (reading: string | null) =>
        reading?.replace(/\/+/g, "/") ?? null;
      const readings = new Set(referenceReadings(path).map(merged));
      for (const reading of referenceReadings(givenPath)) {
        ok(readings.has(merged(reading)), `${given} read as ${reading}`);
      }
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("fetch sends a target letter for letter", async () => {
  const seen: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      seen.push(request.url.slice(request.url.indexOf("/", 7)));
      return new Response(null);
    },
  );
  const given = fc.sample(forwarded, 200).map(fetchTarget);
  for (const target of given) {
    const { body } = await fetch(
      `http://127.0.0.1:${server.addr.port}${target}`,
    );
    await body?.cancel();
  }
  await server.shutdown();
  deepStrictEqual(seen, given);
});
