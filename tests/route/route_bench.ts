/**
 * What routing costs a request. Each iteration routes `BATCH` paths, so divide
 * by that.
 *
 * @module
 */
import { parseHost, splitUrl } from "../../lib/route/host.ts";
import { compileLocations, findLocation } from "../../lib/route/location.ts";
import { parseTarget } from "../../lib/route/path.ts";
import { forwardTarget } from "../../lib/route/target.ts";

const BATCH = 1000;

/** `/` and services with names of one length, so that only their number differs. */
function services(count: number): string[] {
  const names = Array.from(
    { length: count - 1 },
    (_, i) => `/service-${String(i * 7 % 1000).padStart(4, "0")}/`,
  );
  return ["/", ...names];
}

/** Of one part, so that the engine holds them as one piece. */
function flat(text: string): string {
  return JSON.parse(JSON.stringify(text));
}

for (const count of [5, 100, 1000]) {
  const prefixes = services(count);
  const table = compileLocations(
    prefixes.map((path) => ({
      key: { kind: "prefix", path, autoRedirect: true },
      value: path,
    })),
  );
  const paths = Array.from(
    { length: BATCH },
    (_, i) => flat(`${prefixes[1 + i % (count - 1)]}rooms/${i}`),
  );
  Deno.bench({
    name: `findLocation among ${count} prefixes`,
    group: "location",
    baseline: count === 5,
    fn() {
      for (const path of paths) findLocation(table, path);
    },
  });
}

const TARGETS = {
  plain: "/api/rooms/42/messages?after=17&limit=50",
  escaped: "/api/rooms/caf%C3%A9/messages?after=17",
  ambiguous: "/api/files/a%2Fb//c?after=17",
};

const table = compileLocations(
  ["/", "/api", "/admin", "/static", "/connection/websocket"].map((path) => ({
    key: { kind: "prefix", path },
    value: path,
  })),
);

for (const [name, raw] of Object.entries(TARGETS)) {
  Deno.bench({
    name: `parse, find and forward, ${name} target`,
    group: "target",
    baseline: name === "plain",
    fn() {
      for (let i = 0; i < BATCH; i++) {
        const target = parseTarget(raw);
        if (target === null) throw new Error(raw);
        const match = findLocation(table, target.path);
        if (match === null) throw new Error(raw);
        forwardTarget(target, table, match.location);
      }
    },
  });
}

Deno.bench("split a URL and check its host", () => {
  for (let i = 0; i < BATCH; i++) {
    const split = splitUrl(
      "http://localhost:9000/api/rooms/42/messages?after=17",
      "http://",
      "localhost:9000",
      "localhost:9000",
    );
    parseHost(split?.authority ?? "");
  }
});
