/**
 * The proxy as the command line sees it, in one thread or several.
 *
 * @module
 */
import type { LoadedConfig } from "../config/config_source.ts";
import type { Control } from "../request/control.ts";
import type { Changes, ListenedAddress } from "./running_server.ts";

export interface ProxyOptions {
  /** Writes lines of the access log; a rejection ends the log. */
  writeLog: (lines: Uint8Array) => Promise<void>;
  /** Takes one line for whoever runs the proxy. */
  errorLog: (line: string) => void;
  control: Control;
}

/** A proxy that is running, whatever number of threads it has. */
export interface RunningProxy {
  readonly addresses: readonly ListenedAddress[];
  /** Settles when all is closed. */
  readonly finished: Promise<void>;
  /**
   * Puts another config in effect; see {@linkcode RunningServer.reload}.
   *
   * @throws {ListenError} if an address can't be had; nothing has changed then.
   */
  reload(loaded: LoadedConfig): Promise<Changes>;
  /** See {@linkcode RunningServer.shutdown}. */
  shutdown(): Promise<void>;
  /** Ends everything at once. Resolves when the log is written, or not read. */
  abort(): Promise<void>;
}

/** What is to be said if their number was changed. */
export function workerNotes(wanted: number, running: number): string[] {
  return wanted === running ? [] : [`workers: ${wanted} needs a restart`];
}
