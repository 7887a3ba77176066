/** Where in the config a location is written. */
import { deepStrictEqual } from "node:assert/strict";
import { configLines } from "../../lib/admin/config_lines.ts";

Deno.test("a location's line is the one with its key, where that is one", () => {
  const text = `locations: # /api: not here
  /api: http://backend
  "/quoted": http://backend
  '~ ^/(a|b): c$': http://backend
  = /exact: { return: 204 }
  /twice: http://backend
  /map: { proxy_pass: http://backend }
servers:
  - /twice: http://backend
  # /comment: x
  /: http://frontend
`;
  const keys = new Set([
    ...["/api", "/quoted", "~ ^/(a|b): c$", "= /exact", "/twice", "/map"],
    ...["/comment", "/", "/other"],
  ]);
  deepStrictEqual(configLines(text, keys), {
    "/api": 2,
    "/quoted": 3,
    "~ ^/(a|b): c$": 4,
    "= /exact": 5,
    "/map": 7,
    "/": 11,
  });
});
