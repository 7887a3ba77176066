/**
 * What a config says that can be used, but is hardly meant.
 *
 * @module
 */
import assert from "node:assert/strict";
import { parse } from "@std/yaml/parse";
import { planFromObject } from "../../lib/config/load.ts";
import { STARTER } from "../../lib/cli/init.ts";

/** The warnings of a config, each with its place. */
function warningsOf(document: unknown): string[] {
  const { warnings } = planFromObject(document, {
    source: "config.yaml",
    env: () => undefined,
  });
  return warnings.map(({ path, message }) => `${path}: ${message}`);
}

const LOCATIONS = { "/": "http://a:81" };

Deno.test("an upstream that no location uses is told of", () => {
  assert.deepEqual(
    warningsOf({
      upstreams: { a: "a:81", B: "b:82", c: "c:83" },
      locations: { "/": "http://A", "/c": { proxy_pass: "https://c/x" } },
    }),
    [`upstreams.B: no location uses this upstream`],
  );
});

Deno.test("an upstream that a location of any server uses is not", () => {
  assert.deepEqual(
    warningsOf({
      upstreams: { a: "a:81", b: "b:82" },
      servers: [
        { listen: 9001, locations: { "/": "http://a" } },
        { listen: 9002, locations: { "/": "http://b" } },
      ],
    }),
    [],
  );
});

Deno.test("a location that no request comes to is told of, with the one that takes them", () => {
  assert.deepEqual(
    warningsOf({
      servers: [{
        listen: 9001,
        locations: {
          ...LOCATIONS,
          "/api": "http://a:81",
          "~ ^/api": "http://a:81",
        },
      }],
    }),
    [
      'servers[0].locations["/api"]: no request comes here: "~ ^/api" takes ' +
      "all of its paths",
    ],
  );
});

Deno.test("a port that browsers refuse is told of", () => {
  assert.deepEqual(warningsOf({ listen: 6000, locations: LOCATIONS }), [
    "listen: browsers refuse to connect to port 6000 (choose another, such " +
    "as 9000)",
  ]);
});

Deno.test("a limit that another one makes void is told of", () => {
  assert.deepEqual(
    warningsOf({
      limit_conn: { total: 10, per_address: 20 },
      websocket_limit_conn: 100,
      locations: {
        "/": { proxy_pass: "http://a:81", limit_conn: 30 },
        "/ws": { proxy_pass: "http://a:81", websocket_limit_conn: 50 },
      },
    }),
    [
      "limit_conn: per_address (20) is never reached: total is 10",
      'locations["/"].limit_conn: total (30) is never reached: that of the ' +
      "whole proxy is 10",
    ],
  );
});

Deno.test("a time that request_timeout ends before is told of, where it is set", () => {
  assert.deepEqual(
    warningsOf({
      request_timeout: "20s",
      locations: {
        "/": "http://a:81",
        "/slow": { proxy_pass: "http://a:81", proxy_read_timeout: "5m" },
        "/fast": { proxy_pass: "http://a:81", proxy_read_timeout: "5s" },
        "/up": { proxy_pass: "http://a:81", wait_for_upstream: "30s" },
        "/text": { return: "200 hello", proxy_read_timeout: "5m" },
      },
    }),
    [
      'locations["/slow"]: proxy_read_timeout (5m) is never reached: ' +
      "request_timeout is 20s",
      'locations["/up"]: wait_for_upstream (30s) is never reached: ' +
      "request_timeout is 20s",
    ],
  );
});

Deno.test("the configs that are shipped have nothing doubtful", async () => {
  assert.deepEqual(warningsOf(parse(STARTER)), []);
  for (
    const path of ["config.yaml", "examples/chat/sameorigin/config.yaml"]
  ) {
    const text = await Deno.readTextFile(
      new URL(`../../${path}`, import.meta.url),
    );
    assert.deepEqual(warningsOf(parse(text)), [], path);
  }
});
