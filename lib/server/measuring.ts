/**
 * What one thread measures, where somebody may ask for it.
 *
 * @module
 */
import type { Plan } from "../config/plan.ts";
import type { Generation } from "../observe/metrics/generation.ts";
import { LagSampler } from "../observe/metrics/lag.ts";
import { Metrics, type ThreadSnapshot } from "../observe/metrics/metrics.ts";
import {
  addServers,
  ServerMetrics,
  type ServerSnapshot,
} from "../observe/metrics/server_metrics.ts";
import type { UpstreamGroups } from "../upstream/groups.ts";
import type { WebSocketBridges } from "../websocket/registry.ts";

/** What a snapshot is taken of. */
interface Measured {
  /** Whether somebody looks at the requests too. */
  readonly watching: boolean;
  readonly groups: UpstreamGroups;
  readonly bridges: readonly WebSocketBridges[];
  readonly generations: readonly Generation[];
}

/** The metrics of one thread, and its timer. */
export class Measuring {
  readonly metrics = new Metrics();
  readonly #lag = new LagSampler();

  /** Measures for this plan from now on. */
  use(plan: Plan, groups: UpstreamGroups): void {
    this.metrics.use(plan);
    this.#serversOf(groups);
  }

  /** What it knows now. */
  snapshot(
    { watching, groups, bridges, generations }: Measured,
  ): ThreadSnapshot {
    return {
      locations: this.metrics.snapshot(),
      servers: this.#serversOf(groups),
      generations: generations.map((generation) => generation.snapshot()),
      lag: this.#lag.snapshot(),
      buffered: bridges.reduce((sum, { memory }) => sum + memory.waiting, 0),
      heap: Deno.memoryUsage().heapUsed,
      requests: watching ? this.metrics.recorder.take() : null,
    };
  }

  close(): void {
    this.metrics.recorder.close();
    this.#lag.close();
  }

  /** The servers, each address of an upstream once; it may be listed twice. */
  #serversOf(groups: UpstreamGroups): ServerSnapshot[] {
    const now = performance.now();
    const kept = new Set<ServerMetrics>();
    const servers = new Map<string, ServerSnapshot>();
    for (const { plan, servers: its } of groups.all()) {
      for (const server of its) {
        const { name, metrics, active, transport } = server;
        if (metrics === null) continue;
        const key = `${plan.name} ${name}`;
        const before = servers.get(key);
        const counters = kept.has(metrics) ? new ServerMetrics() : metrics;
        kept.add(metrics);
        const snapshot = {
          upstream: plan.name,
          address: name,
          seenBy: 1,
          upFor: server.healthy && !server.failing(now) ? 1 : 0,
          active,
          idle: transport.idle,
          ...counters.snapshot(),
        };
        servers.set(
          key,
          before === undefined ? snapshot : addServers(before, snapshot),
        );
      }
    }
    this.metrics.keepServers(kept);
    return [...servers.values()];
  }
}
