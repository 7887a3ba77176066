import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import { Deadlines } from "../../lib/exchange/deadline.ts";

Deno.test("a deadline expires once, not before its time", async () => {
  const deadlines = new Deadlines();
  const begun = performance.now();
  let times = 0;
  await new Promise<void>((resolve) =>
    deadlines.start(30, () => {
      times++;
      resolve();
    })
  );
  ok(performance.now() - begun >= 30);
  equal(times, 1);
  deadlines.close();
});

Deno.test("a deadline that was stopped does not expire", async () => {
  const deadlines = new Deadlines();
  const expired: string[] = [];
  deadlines.stop(deadlines.start(10, () => expired.push("stopped")));
  await new Promise<void>((resolve) =>
    deadlines.start(20, () => {
      expired.push("kept");
      resolve();
    })
  );
  deepStrictEqual(expired, ["kept"]);
  deadlines.close();
});

Deno.test("deadlines expire in the order in which they are due", async () => {
  const deadlines = new Deadlines();
  const expired: number[] = [];
  const due = [40, 10, 25, 10, 40].map((timeout) =>
    new Promise<void>((resolve) =>
      deadlines.start(timeout, () => {
        expired.push(timeout);
        resolve();
      })
    )
  );
  await Promise.all(due);
  deepStrictEqual(expired, [10, 10, 25, 40, 40]);
  deadlines.close();
});

Deno.test("one timer serves many deadlines, and none is left when they end", async () => {
  const deadlines = new Deadlines();
  const all = Array.from({ length: 1000 }, () => deadlines.start(5, () => {}));
  for (const one of all) deadlines.stop(one);
  // The timer that is still set finds nothing, and sets no other: the test's
  // own sanitizer would see it.
  await new Promise<void>((resolve) => deadlines.start(10, resolve));
  deadlines.close();
});
