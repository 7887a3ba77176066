/**
 * What the main thread and its workers ask of each other.
 *
 * @module
 */
import type { ConfigSource } from "../../config/config_source.ts";
import type { Changes, ListenedAddress } from "../running_server.ts";

/** A config for a worker. */
export interface WorkerConfig {
  readonly config: ConfigSource;
  /** The ports that others have bound, by the keys of the addresses. */
  readonly ports: ReadonlyMap<string, number>;
  /** Whether it also listens on unix sockets, which can't be shared. */
  readonly unix: boolean;
}

/** What a worker does for the main thread. */
export interface WorkerCalls {
  /** @throws {ListenError} */
  start(config: WorkerConfig): readonly ListenedAddress[];
  /**
   * Opens what another config needs, and waits.
   *
   * @throws {ListenError}
   */
  prepare(config: WorkerConfig): readonly ListenedAddress[];
  /** Puts what was prepared in effect. */
  commit(): Changes;
  /** Forgets what was prepared. */
  cancel(): void;
  /** Resolves when all is closed, or `shutdown_timeout` is over. */
  shutdown(): Promise<void>;
}

/** What the main thread does for a worker. */
export interface MainCalls {
  /** Writes whole lines of the access log. */
  writeLog(lines: Uint8Array): Promise<void>;
  /** Says a line to whoever runs the proxy. */
  logError(line: string): void;
  /** Reads the config again; null if the proof is wrong. */
  control(proof: string): Promise<string | null>;
}
