/**
 * What outlives a request.
 *
 * @module
 */
import type { Deadlines } from "../exchange/deadline.ts";
import type { InFlight } from "../exchange/in_flight.ts";
import type { AccessLog } from "../observe/access_log.ts";
import type { Generation } from "../observe/metrics/generation.ts";
import type { Metrics } from "../observe/metrics/metrics.ts";
import type { UpstreamGroups } from "../upstream/groups.ts";
import type { WebSocketBridges } from "../websocket/registry.ts";
import type { Loops } from "./proxy/loops.ts";
import type { Folders } from "./static/folders.ts";

/** Made once at start-up and passed down. */
export interface ContentState {
  readonly groups: UpstreamGroups;
  /** What is known of the folders that files are in. */
  readonly folders: Folders;
  readonly bridges: WebSocketBridges;
  readonly loops: Loops;
  readonly inFlight: InFlight;
  readonly deadlines: Deadlines;
  readonly accessLog: AccessLog;
  /** Takes one line for whoever runs the proxy. */
  readonly errorLog: (line: string) => void;
  /** Whether error pages tell what is wrong. */
  readonly dev: boolean;
  /** Null where nobody asks for them: nothing is counted then. */
  readonly metrics: Metrics | null;
  /** The config that the request runs by. */
  readonly generation: Generation;
}
