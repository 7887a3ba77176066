/**
 * What `startStack` promises of its parts: benchmarks and tests depend on it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { EXAMPLE } from "../../../tools/stack/places.ts";
import { PartFailed } from "../../../tools/stack/running_part.ts";
import type { Stack } from "../../../tools/stack/start_stack.ts";
import type { Scenario } from "../../support/chat.ts";
import { statusOf } from "../../support/backends.ts";

export const parts: Scenario = {
  key: "parts",
  name:
    "the parts are stopped and started one by one, and the proxy with another config",
  needsPages: false,
  async run({ stack }) {
    await stopAndStart(stack);

    const file = join(EXAMPLE, "sameorigin", "config.yaml");
    const config = await Deno.readTextFile(file);
    await stack.replaceConfig(config.replace("  /static:", "  /files:"));
    assert.notEqual(await statusOf(`${stack.origin}/static/admin/`), 404);
    await stack.replaceConfig(config);
    assert.equal(await statusOf(`${stack.origin}/static/admin/`), 404);

    // What ends by itself is told to whoever watches.
    Deno.kill(stack.pid("centrifugo") ?? 0, "SIGKILL");
    await assert.rejects(stack.failed, (error) => {
      assert.ok(error instanceof PartFailed);
      assert.equal(error.part, "centrifugo");
      assert.match(error.message, /^centrifugo has ended with code 137:\n/);
      return true;
    });
    assert.equal(stack.pid("centrifugo"), null);
  },
};

async function stopAndStart(stack: Stack): Promise<void> {
  const api = `${stack.origin}/api/session/`;
  assert.equal(await statusOf(api), 200);
  await stack.stop("backend");
  assert.equal(stack.pid("backend"), null);
  assert.equal(await statusOf(api), 502);
  await stack.start("backend");
  assert.equal(await statusOf(api), 200);
  await assert.rejects(stack.start("backend"), /runs already/);
  const before = stack.pid("proxy");
  await stack.restart("proxy");
  assert.notEqual(stack.pid("proxy"), before);
  assert.equal(await statusOf(api), 200);
}
