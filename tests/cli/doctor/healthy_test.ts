/**
 * The doctor finds nothing where nothing is wrong.
 *
 * @module
 */
import assert from "node:assert/strict";
import { parse } from "@std/yaml/parse";
import { startDemo } from "../../../demo/start.ts";
import { CHECKS } from "../../../lib/cli/doctor/doctor.ts";
import {
  assertHealthy,
  backend,
  examined,
  frontend,
  stackOf,
} from "./fixture.ts";

Deno.test("the demo has nothing wrong with it", async () => {
  const demo = startDemo({});
  try {
    const text = await Deno.readTextFile(
      new URL("../../../config.yaml", import.meta.url),
    );
    const config = parse(text) as Record<string, unknown>;
    const upstreams = Object.fromEntries(
      demo.parts.map(({ upstream, address }) => [upstream, address]),
    );
    const report = await examined({
      ...config,
      listen: "127.0.0.1:0",
      upstreams,
    });
    assertHealthy(report);
    assert.equal(report.checks.length, CHECKS.length);
  } finally {
    await demo.stop();
  }
});

Deno.test("good cookies, redirects and foreign sites are let be", async () => {
  await using front = frontend();
  await using back = backend([
    ["set-cookie", "sessionid=secret; Path=/; HttpOnly; SameSite=Lax"],
    ["set-cookie", "csrftoken=abc; Path=/; SameSite=Lax"],
    ["set-cookie", "theme=dark"],
    ["access-control-allow-origin", "*"],
  ]);
  assertHealthy(await examined(stackOf({ frontend: front, backend: back })));
});
