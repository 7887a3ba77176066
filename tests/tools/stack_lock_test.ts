import assert from "node:assert/strict";
import { locked, tryLock } from "../../tools/stack/lock.ts";
import { freePorts, isFree } from "../../tools/stack/ports.ts";

Deno.test("two who make the same thing make it one after the other, and the second is told", async () => {
  const folder = await Deno.makeTempDir();
  const events: string[] = [];
  const inside = Promise.withResolvers<void>();
  const waiting = Promise.withResolvers<void>();
  const first = locked("thing", async () => {
    events.push("first begins");
    inside.resolve();
    await waiting.promise;
    events.push("first ends");
  }, { folder });
  await inside.promise;
  const second = locked("thing", () => {
    events.push("second");
    return Promise.resolve("made");
  }, {
    folder,
    report: {
      step: (what, work) => {
        events.push(what);
        waiting.resolve();
        return work();
      },
      note: () => {},
    },
  });
  await first;
  assert.equal(await second, "made");
  assert.deepEqual(events, [
    "first begins",
    "another run makes the same (thing)",
    "first ends",
    "second",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("waiting for a lock can be given up; the lock of work that fails is given back", async () => {
  const folder = await Deno.makeTempDir();
  {
    using held = await tryLock("thing", folder);
    assert.ok(held !== null);
    assert.equal(await tryLock("thing", folder), null);
    const signal = AbortSignal.abort(new Error("no longer"));
    await assert.rejects(
      locked("thing", () => Promise.resolve(), { folder, signal }),
      /no longer/,
    );
  }
  const work = () => Promise.reject(new Error("failed"));
  await assert.rejects(locked("thing", work, { folder }), /failed/);
  using free = await tryLock("thing", folder);
  assert.ok(free !== null);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("ports are free, and given to nobody else who asks at the same time", async () => {
  const asked = Array.from({ length: 8 }, () => freePorts(4));
  const ports = (await Promise.all(asked)).flat();
  assert.equal(new Set(ports).size, 32);
  // Below those that the system gives to outgoing connections.
  assert.ok(ports.every((port) => 20_000 <= port && port < 32_768));
});

Deno.test("a port that someone listens on is not free", () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert.equal(isFree(listener.addr.port), false);
});
