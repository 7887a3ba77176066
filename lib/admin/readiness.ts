/**
 * Whether the proxy can do its work: `/readyz`.
 *
 * @module
 */
import type { ServerSnapshot } from "../observe/metrics/server_metrics.ts";

/** One upstream, and which of its servers are up. */
interface UpstreamReadiness {
  readonly upstream: string;
  readonly up: boolean;
  readonly servers: readonly {
    readonly address: string;
    readonly up: boolean;
  }[];
}

export interface Readiness {
  readonly ready: boolean;
  readonly upstreams: readonly UpstreamReadiness[];
}

/**
 * It is ready if each upstream has a server that is up: whose checks pass, and
 * whose last requests have not failed. Nobody is asked for it.
 */
export function readiness(servers: readonly ServerSnapshot[]): Readiness {
  const byName = Map.groupBy(servers, ({ upstream }) => upstream);
  const upstreams = [...byName].map(([upstream, its]) => {
    const rows = its.map(({ address, upFor }) => ({ address, up: upFor > 0 }));
    return { upstream, up: rows.some(({ up }) => up), servers: rows };
  });
  return { ready: upstreams.every(({ up }) => up), upstreams };
}
