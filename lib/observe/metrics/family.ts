/**
 * One metric: its name, and how its samples come out of what was counted.
 *
 * @module
 */
import type { HistogramSnapshot } from "./histogram.ts";
import type { ThreadSnapshot } from "./metrics.ts";

export type Labels = Readonly<Record<string, string>>;

export type Sample = readonly [Labels, number | HistogramSnapshot];

/** A metric family of OpenMetrics. */
export interface Family {
  /** Without the `_total` of a counter. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** The names of its labels, for the documentation. */
  readonly labels: readonly string[];
  samples(facts: Facts): readonly Sample[];
}

/** What is known at one moment. */
export interface Facts {
  /** Of all threads. */
  readonly sum: ThreadSnapshot;
  readonly process: ProcessFacts;
}

/** What is known of the whole process. */
export interface ProcessFacts {
  readonly version: string;
  readonly deno: string;
  readonly workers: number;
  readonly config: ConfigFacts;
  /** Seconds since 1970. */
  readonly startTime: number;
  /** Bytes. */
  readonly resident: number;
  /** Seconds of CPU; null where the platform does not tell. */
  readonly cpu: number | null;
}

/** What is known of the config in effect. */
export interface ConfigFacts {
  /** A short hash of its text. */
  readonly hash: string;
  /** The file, or words for where it is from. */
  readonly source: string;
  /** When it was put in effect, in seconds since 1970. */
  readonly since: number;
  readonly reloads: { readonly done: number; readonly failed: number };
}
