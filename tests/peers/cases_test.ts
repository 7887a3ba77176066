import { deepStrictEqual } from "node:assert/strict";
import { judge } from "./cases.ts";

Deno.test("every case that is not as listed is a surprise", () => {
  const known = {
    differs: { outcome: "400", why: "w" },
    mended: { outcome: "400", why: "w" },
    other: { outcome: "400", why: "w" },
    gone: { outcome: "400", why: "w" },
  };
  const verdict = judge([
    { name: "good", outcome: "200", asAsked: true },
    { name: "bad", outcome: "500", asAsked: false },
    { name: "differs", outcome: "400", asAsked: false },
    { name: "mended", outcome: "200", asAsked: true },
    { name: "other", outcome: "500", asAsked: false },
  ], known);
  deepStrictEqual(verdict, {
    run: 5,
    asAsked: 2,
    surprises: [
      "bad: 500",
      "mended: listed, but now as asked: 200",
      "other: 500; listed: 400",
      "gone: listed, but there is no such case",
    ],
  });
});
