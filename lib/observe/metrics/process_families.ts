/**
 * The metrics of the process and its config.
 *
 * @module
 */
import type { Facts, Family } from "./family.ts";
import type { GenerationSnapshot } from "./metrics.ts";

export const PROCESS_FAMILIES: readonly Family[] = [
  {
    name: "sameorigin_http_requests_in_flight",
    type: "gauge",
    help: "Requests that have not ended.",
    labels: [],
    samples: ({ sum }) => [[{}, total(sum.generations, "requests")]],
  },
  {
    name: "sameorigin_old_generation_requests",
    type: "gauge",
    help: "Those that began under a config that is no longer in effect.",
    labels: [],
    samples: (facts) => [[{}, total(old(facts), "requests")]],
  },
  {
    name: "sameorigin_old_generation_websockets",
    type: "gauge",
    help:
      "WebSockets that were opened under a config that is no longer in effect.",
    labels: [],
    samples: (facts) => [[{}, total(old(facts), "webSockets")]],
  },
  {
    name: "sameorigin_reloads",
    type: "counter",
    help: "Reloads of the config.",
    labels: ["result"],
    samples: ({ process: { config: { reloads } } }) => [
      [{ result: "done" }, reloads.done],
      [{ result: "failed" }, reloads.failed],
    ],
  },
  {
    name: "sameorigin_config_timestamp_seconds",
    type: "gauge",
    help: "When the config in effect was put in effect.",
    labels: [],
    samples: ({ process: { config } }) => [[{}, config.since]],
  },
  {
    name: "sameorigin_config_info",
    type: "gauge",
    help: "The config in effect.",
    labels: ["hash", "source"],
    samples: ({ process: { config: { hash, source } } }) => [
      [{ hash, source }, 1],
    ],
  },
  {
    name: "sameorigin_build_info",
    type: "gauge",
    help: "What is running.",
    labels: ["version", "deno"],
    samples: ({ process: { version, deno } }) => [[{ version, deno }, 1]],
  },
  {
    name: "sameorigin_workers",
    type: "gauge",
    help: "Threads that accept connections.",
    labels: [],
    samples: ({ process }) => [[{}, process.workers]],
  },
  {
    name: "sameorigin_event_loop_lag_seconds",
    type: "histogram",
    help: "By how much timers are late: work that waits for other work.",
    labels: [],
    samples: ({ sum }) => [[{}, sum.lag]],
  },
  {
    name: "sameorigin_heap_bytes",
    type: "gauge",
    help: "Bytes of the JavaScript heaps of all threads.",
    labels: [],
    samples: ({ sum }) => [[{}, sum.heap]],
  },
  {
    name: "process_resident_memory_bytes",
    type: "gauge",
    help: "Resident memory size in bytes.",
    labels: [],
    samples: ({ process }) => [[{}, process.resident]],
  },
  {
    name: "process_start_time_seconds",
    type: "gauge",
    help: "Start time of the process since unix epoch in seconds.",
    labels: [],
    samples: ({ process }) => [[{}, process.startTime]],
  },
  {
    name: "process_cpu_seconds",
    type: "counter",
    help: "Total user and system CPU time spent in seconds.",
    labels: [],
    samples: ({ process: { cpu } }) => cpu === null ? [] : [[{}, cpu]],
  },
];

/** All but the one in effect, which is the last. */
function old({ sum }: Facts): readonly GenerationSnapshot[] {
  return sum.generations.toSorted((a, b) => a.number - b.number).slice(0, -1);
}

function total(
  generations: readonly GenerationSnapshot[],
  of: "requests" | "webSockets",
): number {
  return generations.reduce((sum, one) => sum + one[of], 0);
}
