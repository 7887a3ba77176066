import assert from "node:assert/strict";
import {
  addHistograms,
  BUCKETS,
  Histogram,
} from "../../../lib/observe/metrics/histogram.ts";
import {
  addLocations,
  CLOSE_CODES,
  LocationMetrics,
  METHODS,
  STATUS_CLASSES,
} from "../../../lib/observe/metrics/location_metrics.ts";
import {
  addThreads,
  Metrics,
  type ThreadSnapshot,
} from "../../../lib/observe/metrics/metrics.ts";
import { ServerMetrics } from "../../../lib/observe/metrics/server_metrics.ts";
import { plan } from "../../config/config.ts";

const outcome = {
  method: "GET",
  status: 200,
  received: 0,
  sent: 10,
  start: 1,
  duration: 2,
};

/** How many requests of a method and a class were counted. */
function count(
  requests: readonly number[],
  method: typeof METHODS[number],
  status: typeof STATUS_CLASSES[number],
): number | undefined {
  return requests[
    METHODS.indexOf(method) * STATUS_CLASSES.length +
    STATUS_CLASSES.indexOf(status)
  ];
}

Deno.test("a duration is counted in the first bucket that holds it", () => {
  const histogram = new Histogram();
  for (const bound of BUCKETS) {
    histogram.observe(bound * 1000);
    histogram.observe(bound * 1000 + 0.1);
  }
  histogram.observe(0);
  const { counts, sum } = histogram.snapshot();
  const [first, ...others] = counts;
  assert.equal(first, 2);
  assert.deepEqual(others.slice(0, -1), others.slice(0, -1).map(() => 2));
  assert.equal(others.at(-1), 1);
  const expected = BUCKETS.reduce((sum, bound) => sum + 2 * bound + 1e-4, 0);
  assert(Math.abs(sum - expected) < 1e-6);
});

Deno.test("histograms add up", () => {
  const a = new Histogram();
  const b = new Histogram();
  a.observe(3);
  b.observe(3);
  b.observe(90_000);
  const { counts, sum } = addHistograms(a.snapshot(), b.snapshot());
  assert.equal(counts[2], 2);
  assert.equal(counts.at(-1), 1);
  assert(Math.abs(sum - 90.006) < 1e-9);
});

Deno.test("requests are counted by method and class of the status", () => {
  const metrics = new LocationMetrics("s", "/");
  metrics.request(outcome);
  metrics.request({ ...outcome, status: 204 });
  metrics.request({ ...outcome, status: 499 });
  metrics.request({ ...outcome, method: "POST", status: 502, received: 7 });
  for (const method of ["BREW", "get", "constructor", "__proto__"]) {
    metrics.request({ ...outcome, method, status: 101 });
  }
  const { requests, requestBytes, responseBytes } = metrics.snapshot();
  assert.equal(requests.length, METHODS.length * STATUS_CLASSES.length);
  assert.equal(count(requests, "GET", "2xx"), 2);
  assert.equal(count(requests, "GET", "4xx"), 1);
  assert.equal(count(requests, "POST", "5xx"), 1);
  assert.equal(count(requests, "other", "1xx"), 4);
  assert.equal(requestBytes, 7);
  assert.equal(responseBytes, 80);
});

Deno.test("WebSockets are counted by close code, all others as one of a few", () => {
  const { webSockets } = new LocationMetrics("s", "/");
  webSockets.opened = 6;
  for (const code of [1000, 1012, 3501, 4999, 2999]) webSockets.ended(code);
  const closed = new Map(
    CLOSE_CODES.map((code, at) => [code, webSockets.closed[at]]),
  );
  assert.equal(closed.get("1000"), 1);
  assert.equal(closed.get("1012"), 1);
  assert.equal(closed.get("3xxx"), 1);
  assert.equal(closed.get("4xxx"), 1);
  // Not one that may be used.
  assert.equal(closed.get("1006"), 1);
  assert.equal(webSockets.open, 1);
});

Deno.test("what threads have counted adds up", () => {
  const a = new LocationMetrics("s", "/");
  const b = new LocationMetrics("s", "/");
  a.request(outcome);
  b.request(outcome);
  b.webSockets.opened++;
  b.webSockets.fromClient.messages = 3;
  const { requests, responseBytes, webSockets } = addLocations(
    a.snapshot(),
    b.snapshot(),
  );
  assert.equal(count(requests, "GET", "2xx"), 2);
  assert.equal(responseBytes, 20);
  assert.equal(webSockets.opened, 1);
  assert.equal(webSockets.fromClient.messages, 3);

  const one = new ServerMetrics();
  one.attempts = 2;
  one.failed("refused");
  one.answered(200, 3);
  const server = {
    upstream: "u",
    address: "a:80",
    seenBy: 1,
    upFor: 1,
    active: 1,
    idle: null,
    ...one.snapshot(),
  };
  const thread: ThreadSnapshot = {
    locations: [a.snapshot()],
    servers: [server, { ...server, address: "b:80" }],
    generations: [{ number: 1, since: 5, requests: 1, webSockets: 2 }],
    lag: new Histogram().snapshot(),
    buffered: 1,
    heap: 2,
    requests: null,
  };
  const other: ThreadSnapshot = {
    ...thread,
    servers: [{ ...server, upFor: 0, idle: 3 }],
    generations: [
      { number: 1, since: 4, requests: 0, webSockets: 2 },
      { number: 2, since: 9, requests: 1, webSockets: 0 },
    ],
  };
  const sum = addThreads([thread, other, other]);
  assert.equal(sum?.locations.length, 1);
  assert.equal(sum?.buffered, 3);
  assert.deepEqual(sum?.generations, [
    { number: 1, since: 4, requests: 1, webSockets: 6 },
    { number: 2, since: 9, requests: 2, webSockets: 0 },
  ]);
  const [first, second] = sum?.servers ?? [];
  assert.equal(first?.attempts, 6);
  assert.equal(first?.seenBy, 3);
  assert.equal(first?.upFor, 1);
  assert.equal(first?.idle, 6);
  assert.deepEqual(first?.failures, [["refused", 3]]);
  assert.equal(second?.attempts, 2);
  assert.equal(addThreads([]), null);
});

const CONFIG = (locations: string) =>
  plan(`server_name: one.example\nlocations: {${locations}}`);

Deno.test("counters are found by location, and by server where none takes a request", () => {
  const metrics = new Metrics();
  const first = CONFIG("/: 'http://a:80', /api: 'http://b:80'");
  metrics.use(first);
  const [server] = first.listeners[0]?.servers.servers ?? [];
  assert(server !== undefined);
  const [root] = server.locations.entries;
  assert(root !== undefined);
  assert.equal(metrics.of(root.value, server.name).location, "/");
  assert.equal(metrics.of(null, server.name).location, "");
  assert.equal(metrics.of(null, server.name).server, "one.example");
  // Before a server was found.
  assert.equal(metrics.of(null, "").server, "");
  assert.equal(metrics.snapshot().length, 4);
});

Deno.test("counters live through a reload, those of a location that is gone as long as it has WebSockets", () => {
  const metrics = new Metrics();
  const first = CONFIG(
    "/: 'http://a:80', /api: 'http://b:80', /ws: 'http://c:80'",
  );
  metrics.use(first);
  const of = (key: string, from = first) => {
    const [server] = from.listeners[0]?.servers.servers ?? [];
    const entry = server?.locations.entries
      .find(({ value }) => value.key === key);
    assert(entry !== undefined && server !== undefined);
    return metrics.of(entry.value, server.name);
  };
  of("/").request(outcome);
  of("/ws").webSockets.opened++;
  const before = of("/");
  const second = CONFIG("/: 'http://z:80'");
  metrics.use(second);
  assert.equal(of("/", second), before);
  const keys = () => metrics.snapshot().map(({ location }) => location);
  assert.deepEqual(keys().toSorted(), ["", "", "/", "/ws"]);
  metrics.use(second);
  of("/ws").webSockets.ended(1000);
  metrics.use(second);
  assert.deepEqual(keys().toSorted(), ["", "", "/"]);
});
