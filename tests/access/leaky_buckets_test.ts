/**
 * Leaky buckets, and the limits made of them.
 *
 * @module
 */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { LeakyBuckets } from "../../lib/access/leaky_buckets.ts";
import { countRequest, ReqCounters } from "../../lib/access/limit_req.ts";
import type { LimitReqPlan } from "../../lib/config/plan.ts";
import { locate, plan } from "../config/config.ts";
import { exchangeOf } from "../request/exchange_fixture.ts";

/** The limits of a location. */
function limitsOf(
  limit_req: unknown,
  limit_req_zone: Record<string, unknown> = {},
): LimitReqPlan {
  const read = plan(JSON.stringify({
    limit_req_zone,
    locations: { "/": { proxy_pass: "http://a:80", limit_req } },
  }));
  const [check] = locate(read, "/").access;
  ok(check?.kind === "limit_req");
  return check;
}

/** What becomes of requests at these milliseconds: `pass`, `refuse`, `delay 500`. */
function outcomes(
  { limits }: LimitReqPlan,
  requests: readonly (number | { at: number; from: string })[],
): string[] {
  const counters = new ReqCounters();
  return requests.map((request) => {
    const { at, from } = typeof request === "number"
      ? { at: request, from: "192.0.2.1" }
      : request;
    const exchange = exchangeOf({ remoteAddr: from });
    const outcome = countRequest(limits, exchange, counters, at);
    return outcome.kind === "delay"
      ? `delay ${outcome.milliseconds}`
      : outcome.kind;
  });
}

Deno.test("without a burst one request passes in its time", () => {
  deepStrictEqual(
    outcomes(limitsOf("2r/s"), [0, 0, 499, 500, 999, 1000, 5000, 5000]),
    ["pass", "refuse", "refuse", "pass", "refuse", "pass", "pass", "refuse"],
  );
  // A minute has no more than its rate, however it is rounded.
  const { limits: [limit] } = limitsOf("7r/m");
  equal(limit?.zone.rate, 116);
});

Deno.test("a burst is delayed to the rate, or not", () => {
  const at = (count: number) => new Array<number>(count).fill(100);
  deepStrictEqual(
    outcomes(limitsOf({ rate: "2r/s", burst: 3 }), at(5)),
    ["pass", "delay 500", "delay 1000", "delay 1500", "refuse"],
  );
  deepStrictEqual(
    outcomes(limitsOf({ rate: "2r/s", burst: 3, nodelay: true }), at(5)),
    ["pass", "pass", "pass", "pass", "refuse"],
  );
  // The example of nginx's documentation, "Two-Stage Rate Limiting".
  deepStrictEqual(
    outcomes(limitsOf({ rate: "5r/s", burst: 12, delay: 8 }), at(15)),
    [
      ...new Array<string>(9).fill("pass"),
      ...["delay 200", "delay 400", "delay 600", "delay 800"],
      ...["refuse", "refuse"],
    ],
  );
});

Deno.test("each key has a limit of its own, and an empty one has none", () => {
  const requests = ["a", "a", "b", "a"].map((from) => ({ at: 0, from }));
  deepStrictEqual(
    outcomes(limitsOf("1r/s"), requests),
    ["pass", "refuse", "pass", "refuse"],
  );
  deepStrictEqual(
    outcomes(limitsOf({ rate: "1r/s", key: "$server_name" }), requests),
    ["pass", "pass", "pass", "pass"],
  );
  deepStrictEqual(
    outcomes(limitsOf({ rate: "1r/s", key: "all" }), requests),
    ["pass", "refuse", "refuse", "refuse"],
  );
});

Deno.test("of several limits all hold, and the longest delay counts", () => {
  const limits = limitsOf([
    { rate: "10r/s", burst: 5 },
    { zone: "all", burst: 2 },
  ], { all: { rate: "1r/s", key: "all" } });
  deepStrictEqual(
    outcomes(limits, [
      { at: 0, from: "a" },
      { at: 0, from: "b" },
      { at: 0, from: "b" },
      { at: 0, from: "c" },
      // What one limit refused did not count in the other.
      { at: 1000, from: "c" },
    ]),
    ["pass", "delay 1000", "delay 2000", "refuse", "delay 2000"],
  );
});

/** nginx's arithmetic, with one variable for each thing in its source. */
class Naive {
  readonly #nodes = new Map<string, { excess: number; last: number }>();

  constructor(
    readonly rate: number,
    readonly burst: number,
    readonly delay: number,
  ) {}

  ask(key: string, now: number): string {
    const node = this.#nodes.get(key);
    if (node === undefined) {
      this.#nodes.set(key, { excess: 0, last: now });
      return "pass";
    }
    const ms = now - node.last;
    let excess = node.excess - Math.trunc(this.rate * ms / 1000) + 1000;
    if (excess < 0) excess = 0;
    if (excess > this.burst) return "refuse";
    node.excess = excess;
    if (ms !== 0) node.last = now;
    if (excess <= this.delay) return "pass";
    const delay = Math.trunc((excess - this.delay) * 1000 / this.rate);
    return delay === 0 ? "pass" : `delay ${delay}`;
  }
}

Deno.test("any requests are counted as a naive reading of nginx's source does", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.constantFrom("s", "m"),
      fc.integer({ min: 0, max: 8 }),
      fc.oneof(fc.constant("nodelay"), fc.integer({ min: 0, max: 8 })),
      fc.array(
        fc.tuple(fc.integer({ min: 0, max: 700 }), fc.constantFrom("a", "b")),
        { maxLength: 60 },
      ),
      (count, unit, burst, delay, steps) => {
        const plan = limitsOf({
          rate: `${count}r/${unit}`,
          burst,
          ...delay === "nodelay" ? { nodelay: true } : { delay },
        });
        const naive = new Naive(
          Math.trunc(count * 1000 / (unit === "s" ? 1 : 60)),
          burst * 1000,
          delay === "nodelay" ? Infinity : delay * 1000,
        );
        let at = 0;
        const requests = steps.map(([step, from]) => ({
          at: at += step,
          from,
        }));
        deepStrictEqual(
          outcomes(plan, requests),
          requests.map(({ at, from }) => naive.ask(from, at)),
        );
      },
    ),
  );
});

Deno.test("no more memory is used for keys than is allowed, and the oldest go first", () => {
  const buckets = new LeakyBuckets(32 * 1024);
  for (let i = 0; i < 10_000; i++) {
    // Seen all the time, so it stays.
    const often = buckets.get("often", 1, i);
    equal(often?.excessWith(1, i), i === 0 ? 0 : 1000 * i);
    often?.count(1000 * i, i);
    buckets.get(`key ${i}`, 1, i)?.count(1000, i);
  }
  const fit = Math.floor(32 * 1024 / (192 + "key 9999".length));
  ok(buckets.count <= fit + 1 && buckets.count >= fit - 1, `${buckets.count}`);
  // One that is gone is as new.
  equal(buckets.get("key 1", 1, 10_000)?.excessWith(1, 10_000), 0);
  equal(buckets.get("key 9999", 1, 10_000)?.excessWith(1, 10_000), 2000);
  equal(buckets.get("x".repeat(40_000), 1, 0), null);
});

Deno.test("keys that have nothing left go when others come", () => {
  const buckets = new LeakyBuckets(32 * 1024);
  for (let i = 0; i < 100; i++) buckets.get(`key ${i}`, 1000, 0)?.count(0, 0);
  equal(buckets.count, 100);
  buckets.get("a minute later", 1000, 60_000)?.count(0, 60_000);
  equal(buckets.count, 99);
  buckets.get("a minute later", 1000, 60_000);
  equal(buckets.count, 99);
});
