/**
 * No way around a check: whatever reaches the upstream as a path below `/admin`
 * has passed the checks of the location for it.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { LocalResponse } from "../../lib/exchange/local_response.ts";
import { findRule } from "../../lib/access/rules.ts";
import { upstreamTarget } from "../../lib/content/proxy/proxy.ts";
import { readings } from "../../lib/route/readings.ts";
import { backend } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { located } from "../request/exchange_fixture.ts";

const PIECE = fc.constantFrom(
  ...["admin", "%61dmin", "%41dmin", "ADMIN", "a%64min", "admin;x", ";x", "x"],
  ...[
    "..",
    ".",
    "",
    "%2e%2e",
    ".%2E",
    "%2e",
    "..;",
    "%2F",
    "%2fadmin",
    "admin%2f",
  ],
  ...[
    "\\",
    "%5c",
    "..\\",
    "admin%00",
    "admin%20",
    "admin.",
    "admin?",
    "%3fadmin",
  ],
  ...["admin%23", "%252e%252e", "%c0%ae%c0%ae", "é", "x%2f..%2fadmin", "http:"],
);

/** Targets that try to be read in two ways. */
const TARGET = fc.tuple(
  fc.array(PIECE, { minLength: 1, maxLength: 5 }),
  fc.constantFrom("", "/", "?a=b", "?/admin", "#/admin", "//admin"),
  fc.constantFrom("/", "//", "///", "/./", "/x/../"),
).map(([pieces, end, start]) => start + pieces.join("/") + end);

/** Ways of protecting `/admin` and all below it. */
const PROTECTED: readonly Record<string, unknown>[] = [
  { "/admin": {} },
  { "^~ /admin": {} },
  { "~ ^/admin": {} },
  { "/admin/": {}, "= /admin": {} },
];

function configOf(keys: Record<string, unknown>, to: string) {
  const access = [{ deny: "all" }];
  return {
    locations: {
      "/": to,
      ...Object.fromEntries(
        Object.keys(keys).map((key) => [key, { proxy_pass: to, access }]),
      ),
    },
  };
}

/** Whether an upstream reads a path as the protected one. */
function isAdmin(path: string): boolean {
  return path === "/admin" || path.startsWith("/admin/");
}

/** As a framework does that decodes first, then resolves, then merges. */
function naiveReading(target: string): string {
  const path = target.replace(/[?#].*$/s, "")
    .replace(
      /%([0-9a-f]{2})/gi,
      (_, hex) => String.fromCharCode(parseInt(hex, 16)),
    );
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "." && segment !== "") kept.push(segment);
  }
  return "/" + kept.join("/");
}

for (const keys of PROTECTED) {
  const config = configOf(keys, "http://127.0.0.1:1");
  Deno.test(`no target gets around ${Object.keys(keys).join(" and ")}`, () => {
    const seen = { open: 0, refused: 0 };
    fc.assert(
      fc.property(TARGET, (target) => {
        const { exchange, result } = located(config, { target });
        if (result instanceof LocalResponse) return;
        const { access, content } = result;
        const [check] = access;
        const isRefused = check?.kind === "access" &&
          findRule(check.rules, exchange.remoteAddr)?.kind === "deny";
        if (isRefused) {
          seen.refused++;
          return;
        }
        ok(content.kind === "proxy");
        const sent = upstreamTarget(exchange, result, content);
        if (sent instanceof LocalResponse) return;
        seen.open++;
        const path = sent.replace(/\?.*$/s, "");
        for (const reading of [naiveReading(sent), ...readings(path) ?? []]) {
          ok(!isAdmin(reading), `${target} was sent as ${sent}: ${reading}`);
        }
      }),
      { numRuns: 3_000 },
    );
    // Neither half of the question is left out.
    ok(seen.open > 300 && seen.refused > 100, JSON.stringify(seen));
  });
}

Deno.test("no target on the wire gets around a check", async () => {
  await using server = backend("open");
  await using proxy = startProxy(
    configOf({ "/admin": {} }, `http://${server.address}`),
  );
  await fc.assert(
    fc.asyncProperty(TARGET, async (target) => {
      const before = server.seen.length;
      const bytes = target.replaceAll("é", "\xc3\xa9");
      const answer = await rawExchange(
        proxy.port,
        `GET ${bytes} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      const reached = server.seen.slice(before);
      deepStrictEqual(reached.length > 0, answer.startsWith("HTTP/1.1 200 "));
      for (const { target: sent } of reached) {
        ok(!isAdmin(naiveReading(sent)), `${target} was sent as ${sent}`);
      }
    }),
    { numRuns: 300 },
  );
});
