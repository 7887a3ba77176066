/**
 * The example of a built frontend does what its README says.
 *
 * @module
 */
import assert from "node:assert/strict";
import { loadPlan } from "../../lib/config/load.ts";
import { createAccessLog } from "../../lib/observe/access_log.ts";
import { startServer } from "../../lib/server/server.ts";
import { backend } from "../support/backends.ts";
import { makeFolder } from "../support/folder.ts";

const CONFIG = Deno.readTextFileSync(
  new URL("../../examples/frontend/config.yaml", import.meta.url),
);

Deno.test("the frontend example caches assets, and answers deep routes with the application", async () => {
  await using folder = await makeFolder({
    "dist/index.html": "application",
    "dist/favicon.ico": "icon",
    "dist/assets/app-4f2c1a.js": "let a;",
    "dist/assets/app-4f2c1a.js.br": "compressed",
  });
  await using api = backend("api");
  const environment: Record<string, string> = {
    BACKEND: api.address,
    LISTEN: "127.0.0.1:0",
  };
  const plan = loadPlan(CONFIG, {
    source: `${folder.path}/config.yaml`,
    env: (name) => environment[name],
  });
  const server = startServer(plan, {
    accessLog: createAccessLog("off", () => Promise.resolve()),
    errorLog: () => {},
  });
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const { url = "" } = server.addresses[0] ?? {};
    const response = await fetch(new URL(path, url), { headers });
    const control = response.headers.get("cache-control");
    return {
      response,
      said: [response.status, control, await response.text()],
    };
  };
  try {
    const immutable = "max-age=31536000, immutable";
    const { response, said } = await ask("/rooms/7?a=b");
    assert.deepEqual(said, [200, "no-cache", "application"]);
    for (const path of ["/", "/index.html", "/a/b.c"]) {
      assert.deepEqual((await ask(path)).said, said, path);
    }
    const etag = response.headers.get("etag") ?? "";
    const again = await ask("/rooms/7", { "if-none-match": etag });
    assert.deepEqual(again.said, [304, "no-cache", ""]);

    const asset = "/assets/app-4f2c1a.js";
    const plain = { "accept-encoding": "identity" };
    assert.deepEqual((await ask(asset, plain)).said, [
      200,
      immutable,
      "let a;",
    ]);
    const head = await fetch(new URL(asset, server.addresses[0]?.url), {
      method: "HEAD",
      headers: { "accept-encoding": "br" },
    });
    assert.equal(head.headers.get("content-encoding"), "br");
    assert.equal((await ask("/assets/gone.js")).said[0], 404);
    assert.deepEqual((await ask("/favicon.ico")).said, [200, null, "icon"]);
    assert.match(String((await ask("/api/rooms")).said[2]), /api/);
  } finally {
    server.abort();
    await server.finished;
  }
});
