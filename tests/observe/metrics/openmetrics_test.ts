import assert from "node:assert/strict";
import { Histogram } from "../../../lib/observe/metrics/histogram.ts";
import type { Facts } from "../../../lib/observe/metrics/family.ts";
import { LocationMetrics } from "../../../lib/observe/metrics/location_metrics.ts";
import {
  FAMILIES,
  type Format,
  renderMetrics,
} from "../../../lib/observe/metrics/openmetrics.ts";
import { ServerMetrics } from "../../../lib/observe/metrics/server_metrics.ts";
import { prometheusParser } from "./prometheus_parser.ts";
import { testUnless } from "../../support/skip.ts";

const parser = prometheusParser();

/** Labels with every character that has a meaning in the format. */
const ODD = 'a "b" \\ {c="d"},\n# é €';

function facts(): Facts {
  const location = new LocationMetrics("one.example", ODD);
  const outcome = { method: "GET", status: 200, received: 1, sent: 10 };
  location.request({ ...outcome, start: 4, duration: 5 });
  location.request({ ...outcome, start: 40, duration: 70_000 });
  location.request({ ...outcome, status: 502, start: 1, duration: 1 });
  location.webSockets.opened = 3;
  location.webSockets.ended(1012);
  location.webSockets.toClient.messages = 2;
  const server = new ServerMetrics();
  server.attempts = 4;
  server.failed("refused");
  server.answered(200, 3);
  server.connect.observe(0.3);
  const lag = new Histogram();
  lag.observe(3);
  return {
    sum: {
      locations: [location.snapshot(), new LocationMetrics("", "").snapshot()],
      servers: [{
        upstream: "backend",
        address: "10.0.0.1:80",
        seenBy: 2,
        upFor: 1,
        active: 3,
        idle: 1,
        ...server.snapshot(),
      }],
      generations: [
        { number: 2, since: 2, requests: 5, webSockets: 1 },
        { number: 1, since: 1, requests: 1, webSockets: 7 },
      ],
      lag: lag.snapshot(),
      buffered: 12,
      heap: 34,
      requests: null,
    },
    process: {
      version: "1.0.0",
      deno: "2.9.6",
      workers: 2,
      config: {
        hash: "0123456789ab",
        source: "/etc/config.yaml",
        since: 1_795_000_000.5,
        reloads: { done: 3, failed: 1 },
      },
      startTime: 1_795_000_000,
      resident: 56_000_000,
      cpu: 1.25,
    },
  };
}

for (const format of ["openmetrics", "prometheus"] satisfies Format[]) {
  testUnless(
    parser.missing,
    `Prometheus's own parser reads the metrics (${format})`,
    async () => {
      const families = await parser.parse(
        renderMetrics(facts(), format),
        format,
      );
      // The parser's names of counters have no suffix in either format.
      assert.deepEqual(
        families.map(({ name, type, help }) => ({ name, type, help })),
        FAMILIES.map(({ name, type, help }) => ({ name, type, help })),
      );
      const samples = families.flatMap(({ samples }) => samples);
      const value = (name: string, labels: Record<string, string>) => {
        const found = samples.filter((sample) =>
          sample.name === name &&
          Object.entries(labels).every(([key, it]) => sample.labels[key] === it)
        );
        assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}`);
        return found[0]?.value;
      };
      const place = { server: "one.example", location: ODD };
      equalValues([
        [
          value("sameorigin_http_requests_total", { ...place, status: "2xx" }),
          2,
        ],
        [
          value("sameorigin_http_requests_total", { ...place, status: "5xx" }),
          1,
        ],
        [
          value("sameorigin_http_request_duration_seconds_bucket", {
            ...place,
            le: "60.0",
          }),
          2,
        ],
        [
          value("sameorigin_http_request_duration_seconds_bucket", {
            ...place,
            le: "+Inf",
          }),
          3,
        ],
        [value("sameorigin_http_request_duration_seconds_sum", place), 70.006],
        [value("sameorigin_websockets", place), 2],
        [value("sameorigin_websockets_closed_total", { code: "1012" }), 1],
        [
          value("sameorigin_websocket_messages_total", {
            direction: "to_client",
          }),
          2,
        ],
        [value("sameorigin_upstream_up", { upstream: "backend" }), 0.5],
        [value("sameorigin_upstream_failures_total", { reason: "refused" }), 1],
        [value("sameorigin_http_requests_in_flight", {}), 6],
        [value("sameorigin_old_generation_websockets", {}), 7],
        [value("sameorigin_reloads_total", { result: "failed" }), 1],
        [value("process_cpu_seconds_total", {}), 1.25],
      ]);
      // Labels are those that the documentation names.
      for (const [at, { samples }] of families.entries()) {
        const own = new Set(FAMILIES[at]?.labels);
        for (const { labels } of samples) {
          const { le: _, ...others } = labels;
          assert.deepEqual(new Set(Object.keys(others)), own);
        }
      }
    },
  );
}

function equalValues(pairs: [number | undefined, number][]): void {
  for (const [actual, expected] of pairs) assert.equal(actual, expected);
}
