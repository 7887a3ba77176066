/**
 * What the admin listener tells about, and whom it asks for it.
 *
 * @module
 */
import type { LoadedConfig } from "../config/config_source.ts";
import type { ConfigFacts, Facts } from "../observe/metrics/family.ts";
import type { RunningProxy } from "../server/running.ts";

/** The config in effect. */
export interface RunningConfig {
  readonly loaded: LoadedConfig;
  readonly facts: ConfigFacts;
}

/** What became of a reload. */
export interface ReloadAnswer {
  readonly kind: "done" | "problems" | "unreadable" | "failed";
}

/** What the command hands down. */
export interface AdminParts {
  readonly proxy: Pick<RunningProxy, "snapshot" | "workers" | "recordings">;
  /** The config in effect now. */
  config(): Promise<RunningConfig>;
  /** Reads the config again and puts it in effect. */
  reload(): Promise<ReloadAnswer>;
  /** Whether the proxy has been told to end. */
  isStopping(): boolean;
  /** Of the program. */
  readonly version: string;
  /** Seconds of CPU that the process has taken; null where nobody knows. */
  cpu(): number | null;
  /** Takes one line for whoever runs the proxy. */
  errorLog(line: string): void;
}

/**
 * All that is known now; null where no thread answers.
 *
 * @param watching Whether somebody looks at the requests too.
 */
export async function factsNow(
  { proxy, config, version, cpu }: AdminParts,
  watching = false,
): Promise<Facts | null> {
  const sum = await proxy.snapshot(watching);
  if (sum === null) return null;
  return {
    sum,
    process: {
      version,
      deno: Deno.version.deno,
      workers: proxy.workers,
      config: (await config()).facts,
      startTime: performance.timeOrigin / 1000,
      resident: Deno.memoryUsage().rss,
      cpu: cpu(),
    },
  };
}
