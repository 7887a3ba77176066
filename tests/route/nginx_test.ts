/**
 * Routing beside a real nginx.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { utf8Bytes } from "../../lib/route/bytes.ts";
import { parseHost } from "../../lib/route/host.ts";
import {
  compileLocations,
  findLocation,
  type LocationKey,
} from "../../lib/route/location.ts";
import { parseTarget } from "../../lib/route/path.ts";
import { isAmbiguous } from "../../lib/route/readings.ts";
import { compileServers, findServer } from "../../lib/route/server.ts";
import { forwardTarget, replaceTarget } from "../../lib/route/target.ts";
import { testNeeding } from "../support/skip.ts";
import { host, target } from "./arbitraries.ts";
import { startNginx } from "./nginx.ts";

/** Locations as nginx's config writes them, each with a proxy_pass. */
const LOCATIONS = [
  "/",
  "/a",
  "/a/b/",
  "/api/",
  "= /api/x",
  "^~ /admin/",
  "= /admin",
  "/static",
  "= /ab/",
  "^~ /b",
  "/b/a/",
  "~ \\.\\.$",
  "~ /b/[^/]*$",
  "~* ADMIN",
];

const SERVERS = [
  "first.example",
  "a.com example.com",
  "*.example.com",
  "*.a.example.com",
  ".b.org",
  "example.*",
  "a.example.*",
  "a.*",
];

/** Locations whose proxy_pass has a URI. */
const PASSES: [prefix: string, passUri: string][] = [
  ["/", "/"],
  ["/a", "/v1"],
  ["/a/", "/v1/"],
  ["/api/", "/"],
  ["/b/", "/x"],
  ["/admin", "/q?x=1"],
];

const CONFIG = `
  server {
    listen unix:{dir}/uri;
    location / {
      add_header X-Args "<$args>";
      return 200 "$uri";
    }
  }
  upstream echo { server unix:{dir}/echo; }
  server {
    listen unix:{dir}/echo;
    location / {
      add_header X-Seen "$request_uri";
      return 200 "$http_x_location";
    }
  }
  server {
    listen unix:{dir}/location;
    ${
  LOCATIONS.map((text) =>
    `location ${text} { proxy_pass http://echo; proxy_set_header X-Location "${
      text.replaceAll("\\", "\\\\").replaceAll("$", "")
    }"; }`
  ).join("\n")
}
  }
  server {
    listen unix:{dir}/pass;
    ${
  PASSES.map(([prefix, uri]) =>
    `location ${prefix} { proxy_pass http://echo${uri}; }`
  ).join("\n")
}
  }
  ${
  SERVERS.map((names) =>
    `server { listen unix:{dir}/host; server_name ${names};
      location / { return 200 "${names}"; } }`
  ).join("\n")
}
`;

/** Without spaces, which nginx lets stand at the end of a target. */
const targets = target.filter((raw) => !raw.includes(" "));

testNeeding(
  ["nginx"],
  "targets, locations, servers and proxy_pass agree with a real nginx",
  async (t) => {
    await using nginx = await startNginx(CONFIG);

    await t.step("the normalised path and the query are nginx's", async () => {
      let accepted = 0;
      for (const raw of [...FIXED, ...fc.sample(targets, 500)]) {
        const answer = await nginx.get("uri", raw);
        const parsed = parseTarget(raw);
        if (parsed === null) {
          strictEqual(answer.status, 400, raw);
          continue;
        }
        accepted++;
        strictEqual(answer.status, 200, raw);
        strictEqual(answer.body, parsed.path, raw);
        const args = answer.headers.get("x-args");
        strictEqual(args, `<${utf8Bytes(parsed.args)}>`, raw);
      }
      ok(accepted > 200);
    });

    await t.step(
      "the location is nginx's, its redirects included",
      async () => {
        const table = compileLocations(
          LOCATIONS.map((text) => ({ key: key(text), value: text })),
        );
        const paths = LOCATIONS.filter((text) => !text.startsWith("~")).flatMap(
          (text) => {
            const path = text.split(" ").at(-1) ?? "";
            return [path, path + "x", path + "/", path + "/b", path + "b/..;x"]
              .concat(path.length > 1 ? [path.slice(0, -1)] : []);
          },
        );
        const random = fc.string({
          unit: fc.constantFrom("/", "a", "b", "api", "admin", "x", "/.", "/b"),
          maxLength: 12,
        });
        for (
          const raw of [
            ...paths,
            ...fc.sample(random, 300).map((rest) => "/" + rest),
          ]
        ) {
          const answer = await nginx.get("location", raw);
          const parsed = parseTarget(raw);
          if (parsed === null) {
            strictEqual(answer.status, 400, raw);
            continue;
          }
          const match = findLocation(table, parsed.path);
          ok(match, raw);
          if (match.kind === "redirect") {
            strictEqual(answer.status, 301, raw);
            const path = match.location.split(" ").at(-1);
            strictEqual(
              new URL(answer.headers.get("location") ?? "").pathname,
              path,
            );
          } else {
            const expected = match.location.replaceAll("$", "");
            deepStrictEqual([answer.status, answer.body], [200, expected], raw);
          }
        }
      },
    );

    await t.step("the server is nginx's", async () => {
      const table = compileServers(
        SERVERS.map((names) => ({ names: names.split(" "), server: names })),
      );
      const fixed = ["EXAMPLE.com:80", "a.example.com.", "x", "[::1]", "b.org"];
      for (const name of [...fixed, ...fc.sample(host, 200)]) {
        const answer = await nginx.get("host", "/", name);
        const parsed = parseHost(name);
        ok(parsed, name);
        strictEqual(answer.body, findServer(table, parsed.host), name);
      }
    });

    await t.step("hosts that nginx refuses are refused", async () => {
      for (const name of ["a..b", "a/b", "", ".", "a b", "a\x7f"]) {
        strictEqual((await nginx.get("host", "/", name)).status, 400, name);
        strictEqual(parseHost(name), null, name);
      }
    });

    await t.step(
      "without a URI in proxy_pass the same target is sent, but for dot segments and ambiguous paths",
      async () => {
        const table = compileLocations(
          LOCATIONS.map((text) => ({ key: key(text), value: text })),
        );
        let compared = 0;
        for (const raw of [...FIXED, ...fc.sample(targets, 500)]) {
          const parsed = parseTarget(raw);
          const match = parsed && findLocation(table, parsed.path);
          if (!parsed || match?.kind !== "found") continue;
          const ours = forwardTarget(parsed, table, match.location);
          const seen = (await nginx.get("location", raw)).headers.get("x-seen");
          strictEqual(seen, utf8Bytes(raw), "nginx sends it as it came");
          const [path = ""] = seen.split("?");
          if (DOT_SEGMENT.test(path) || isAmbiguous(path)) continue;
          compared++;
          strictEqual(ours, seen, raw);
        }
        ok(compared > 50, `${compared} compared`);
      },
    );

    await t.step(
      "with a URI in proxy_pass the same target is sent",
      async () => {
        const table = compileLocations(
          PASSES.map((pass) => ({ key: key(pass[0]), value: pass })),
        );
        let compared = 0;
        for (const raw of [...FIXED, ...fc.sample(targets, 400)]) {
          const parsed = parseTarget(raw);
          const match = parsed && findLocation(table, parsed.path);
          if (!parsed || match?.kind !== "found") continue;
          const { location } = match;
          const ours = replaceTarget(parsed, ...location, table, location);
          const seen = (await nginx.get("pass", raw)).headers.get("x-seen") ??
            "";
          const path = seen.replace(/\?.*/, "");
          if (isAmbiguous(path) || DOT_SEGMENT.test(path)) continue;
          compared++;
          strictEqual(ours, seen, raw);
        }
        ok(compared > 100, `${compared} compared`);
      },
    );
  },
);

const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|#|$)/i;

const FIXED = [
  "/",
  "//",
  "/a/../b",
  "/a//../b",
  "/a/%2e%2e/b?x#y",
  "/..",
  "/%2e%2e%2f",
  "/a%2fb",
  "/a\\..\\b",
  "/a?",
  "/a?#",
  "/a#?b",
  "/%",
  "/%4",
  "/%zz",
  "/%00",
  "/é?é",
  "/.vite/a",
  "/...",
  "/..%3f/",
  "/a../b",
  "/a./b",
  "/api/%7c%5e",
  "/api/|^",
  '/api/"<>`{}^|',
  "/api/x?\"<>`{}^|\\'",
  "/api/é?é",
  "/api/%20é",
];

function key(text: string): LocationKey {
  const [first = "", path] = text.split(" ");
  if (path !== undefined && first.startsWith("~")) {
    return { kind: "regex", source: path, ignoreCase: first === "~*" };
  }
  return {
    kind: path === undefined
      ? "prefix"
      : first === "="
      ? "exact"
      : "preferential",
    path: path ?? text,
    autoRedirect: text.endsWith("/"),
  };
}
