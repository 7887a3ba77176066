import assert from "node:assert/strict";
import type { LiveState } from "../../lib/admin/feed.ts";
import { backend } from "../support/backends.ts";
import { startAdmin } from "./fixture.ts";

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "what the workers have counted is added up, through a reload too",
  ignore,
  async fn() {
    await using app = backend("app");
    const config = {
      workers: 3,
      locations: { "/": `http://${app.address}` },
    };
    await using it = await startAdmin(config);
    const state = async (): Promise<LiveState> =>
      await (await fetch(`${it.admin}/state`)).json();
    // Each on a connection of its own, so that every worker has some.
    const ask = async () => {
      using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      await (await fetch(it.url, { client })).text();
    };
    const total = 60;
    await Promise.all(Array.from({ length: total }, ask));
    const before = await state();
    assert.equal(before.process.workers, 3);
    const requests = (state: LiveState) =>
      state.locations.find(({ location }) => location === "/")?.requests;
    assert.equal(requests(before), total);
    assert.equal(before.upstreams.length, 1);
    assert.equal(before.upstreams[0]?.attempts, total);
    assert.equal(before.upstreams[0]?.up, 1);
    // More than one thread of several has had a part in it.
    assert.ok(
      (before.upstreams[0]?.idle ?? 0) > 0 &&
        before.generations.length === 1,
    );
    await it.reload(config);
    await ask();
    const after = await state();
    assert.equal(requests(after), total + 1);
    assert.deepEqual(after.generations.map(({ number }) => number), [2]);
  },
});
