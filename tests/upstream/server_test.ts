import { strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import type { Transport } from "../../lib/transport/transport.ts";
import { UpstreamServer } from "../../lib/upstream/server.ts";
import { servers, upstreamPlan } from "./group_fixture.ts";

/** A server with these parameters. */
function serverWith(parameters: Record<string, unknown>) {
  const [plan] = upstreamPlan({ servers: servers(parameters) }).servers;
  const { address } = plan!;
  const transport: Transport = {
    send: () => Promise.reject(new Error("nothing is sent here")),
    idle: null,
    close() {},
  };
  return { server: new UpstreamServer(plan!, address, transport) };
}

Deno.test("a server is left out after max_fails failures, for fail_timeout", () => {
  const it = serverWith({ max_fails: 3, fail_timeout: "10s" });
  const { server } = it;
  for (const at of [0, 1]) {
    server.take(at, false);
    equal(server.failed(at), false);
    equal(server.failing(at), false);
  }
  server.take(2, false);
  equal(server.failed(2), true);
  equal(server.failing(2), true);
  equal(server.failing(10_002), true);
  equal(server.failing(10_003), false);
});

Deno.test("failures that lie apart by more than fail_timeout don't add up, if it answers between them", () => {
  const it = serverWith({ max_fails: 2, fail_timeout: "10s" });
  const { server } = it;
  for (let at = 0; at < 100_000; at += 10_001) {
    server.take(at, false);
    server.failed(at);
    equal(server.failing(at), false, String(at));
    server.take(at + 10_000.5, false);
    equal(server.succeeded(at + 10_000.6), false);
  }
});

Deno.test("one request tries a server that was left out, and its answer takes it back", () => {
  const it = serverWith({ fail_timeout: "1s" });
  const { server } = it;
  server.take(0, false);
  server.failed(0);
  equal(server.failing(1_001), false);
  server.take(1_001, false);
  // No other does until that one is known.
  equal(server.failing(1_002), true);
  equal(server.succeeded(1_500), true);
  equal(server.failing(1_501), false);
  // That was no news any more.
  equal(server.succeeded(1_600), false);
});

Deno.test("a request that began before the failure does not take the server back", () => {
  const it = serverWith({});
  const { server } = it;
  server.take(0, false);
  server.take(1, false);
  server.failed(5);
  equal(server.succeeded(6), false);
  equal(server.failing(7), true);
});

Deno.test("a server that is tried although it fails is back when it answers", () => {
  const it = serverWith({});
  const { server } = it;
  server.take(0, false);
  server.failed(0);
  server.take(10, true);
  equal(server.succeeded(20), true);
  equal(server.failing(21), false);
});

Deno.test("max_fails: 0 never leaves a server out", () => {
  const it = serverWith({ max_fails: 0 });
  for (let i = 0; i < 100; i++) {
    it.server.take(i, false);
    equal(it.server.failed(i), false);
    equal(it.server.failing(i), false);
  }
});

Deno.test("max_conns counts what is taken and not released", () => {
  const it = serverWith({ max_conns: 2 });
  const { server } = it;
  server.take(0, false);
  equal(server.full, false);
  server.take(0, false);
  equal(server.full, true);
  server.release();
  equal(server.full, false);
});

Deno.test("a failure takes weight / max_fails off the effective weight, not below 0", () => {
  const it = serverWith({ weight: 7, max_fails: 3 });
  const { server } = it;
  const weights = [0, 1, 2, 3, 4].map((at) => {
    server.failed(at);
    return server.effectiveWeight;
  });
  // As nginx 1.26 computes in whole numbers.
  equal(weights.join(" "), "5 3 1 0 0");
});

Deno.test("the weight grows from almost nothing to all of it over slow_start", () => {
  const it = serverWith({ weight: 10, slow_start: "10s" });
  const { server } = it;
  equal(server.weight, 10);
  server.checked(false, 0);
  equal(server.healthy, false);
  equal(server.checked(false, 1), false);
  equal(server.checked(true, 100), true);
  equal(server.weight, 0.1);
  server.warmUp(5_100);
  equal(server.weight, 5);
  server.warmUp(10_100);
  equal(server.weight, 10);
});

Deno.test("it is left out just when nginx would leave it out", () => {
  const step = fc.record({
    after: fc.integer({ min: 0, max: 60 }),
    what: fc.constantFrom("take", "failed", "succeeded"),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(step, { maxLength: 50 }),
      (maxFails, failTimeout, steps) => {
        const it = serverWith({
          max_fails: maxFails,
          fail_timeout: `${failTimeout}ms`,
        });
        const model = new Model(maxFails, failTimeout);
        let now = 1_000;
        for (const { after, what } of steps) {
          now += after;
          equal(it.server.failing(now), model.leftOut(now));
          if (what === "take") {
            it.server.take(now, false);
            model.take(now);
          } else if (what === "failed") {
            it.server.failed(now);
            model.free(now, true);
          } else {
            it.server.succeeded(now);
            model.free(now, false);
          }
        }
      },
    ),
  );
});

/** ngx_http_upstream_round_robin.c of nginx 1.26, line by line. */
class Model {
  fails = 0;
  accessed = 0;
  checked = 0;

  constructor(readonly maxFails: number, readonly failTimeout: number) {}

  /** ngx_http_upstream_get_peer, which takes no such peer. */
  leftOut(now: number): boolean {
    return this.maxFails !== 0 && this.fails >= this.maxFails &&
      now - this.checked <= this.failTimeout;
  }

  /** ngx_http_upstream_get_peer, at its end. */
  take(now: number): void {
    if (now - this.checked > this.failTimeout) this.checked = now;
  }

  /** ngx_http_upstream_free_round_robin_peer */
  free(now: number, failed: boolean): void {
    if (failed) {
      this.fails++;
      this.accessed = now;
      this.checked = now;
    } else if (this.accessed < this.checked) this.fails = 0;
  }
}

Deno.test("a server that is taken back has its effective weight at once", () => {
  const it = serverWith({ weight: 10 });
  const { server } = it;
  server.take(0, false);
  server.failed(0);
  equal(server.effectiveWeight, 0);
  server.take(10_001, false);
  equal(server.succeeded(10_002), true);
  equal(server.effectiveWeight, 10);
});
