/**
 * The running proxy as the rest of the program sees it: in one thread or several
 * ({@linkcode RunningProxy}), and the part of it in one thread.
 *
 * @module
 */
import type { LoadedConfig } from "../config/config_source.ts";
import type { Plan } from "../config/plan.ts";
import type { AccessLog } from "../observe/access_log.ts";
import type { ThreadSnapshot } from "../observe/metrics/metrics.ts";
import type { Recording } from "../observe/recorder/recording.ts";
import type { Control } from "../request/control.ts";

export interface ServerOptions {
  accessLog: AccessLog;
  /** Takes one line for whoever runs the proxy. */
  errorLog: (line: string) => void;
  /** Reads the config again, if that is possible. */
  control?: Control;
  /** Whether other workers of this process listen on the same addresses. */
  shared?: boolean;
  /** The ports that they have bound, by the keys of the addresses. */
  ports?: ReadonlyMap<string, number>;
  /** The number of the config, from 1, for each that was put in effect. */
  generation?: number;
}

/** What became of a request that was to be sent again. */
export type Replayed =
  | {
    /** What was recorded of it now. */
    readonly recording: Recording;
    /** Whether it was broken off: it took too long. */
    readonly cut: boolean;
  }
  /** Why it was not sent. */
  | { readonly refused: string };

/** Requests that are kept as long as somebody looks at them. */
export interface Recordings {
  /**
   * What is shown of one; null where it is not kept.
   *
   * @param at When it came, in milliseconds since 1970, as in its recording; null
   * for the last one of this id.
   */
  find(id: string, at: number | null): Promise<Recording | null>;
  /** Sends it through the proxy again; null where it is not kept. */
  replay(id: string, at: number): Promise<Replayed | null>;
}

/** An address that is listened on. */
export interface ListenedAddress {
  /** Tells it from others, before and after a reload. */
  readonly key: string;
  /** As the config writes it. */
  readonly written: string;
  /** How to open it in a browser. */
  readonly url: string;
  /** The port that was bound; null for a unix socket. */
  readonly port: number | null;
}

/** What a reload has changed, addresses as the configs write them. */
export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** What is to be known besides, a few words each. */
  readonly notes: readonly string[];
}

/** A reload that has everything it needs. */
export interface PreparedReload {
  /** Where it will listen. */
  readonly addresses: readonly ListenedAddress[];
  /** Makes it so, in one step. */
  commit(): Changes;
  /** Leaves everything as it was. */
  cancel(): void;
}

/** A proxy that is running. */
export interface RunningServer {
  /** Where it listens, and how to open that in a browser. */
  readonly addresses: readonly ListenedAddress[];
  /** Settles when every listener has ended. */
  readonly finished: Promise<void>;
  /** Of this thread. */
  readonly recordings: Recordings;
  /**
   * Puts another plan in the place of the present one. Requests in flight end as
   * they began, WebSockets stay open, those on listeners that are gone too.
   *
   * @throws {ListenError} if an address can't be had; nothing has changed then.
   */
  reload(plan: Plan): Changes;
  /**
   * The first half of {@linkcode reload}: opens what is new. Throws the same.
   *
   * @param options `ports` and `generation` as in {@linkcode ServerOptions}.
   */
  prepareReload(
    plan: Plan,
    options?: Pick<ServerOptions, "ports" | "generation">,
  ): PreparedReload;
  /**
   * What this thread has counted; null where the config has no `admin`.
   *
   * @param watching Whether requests are to be recorded from now on for some
   * seconds, and those that were are to be had.
   */
  snapshot(watching?: boolean): ThreadSnapshot | null;
  /**
   * Stops accepting, lets requests in flight finish for up to
   * `shutdown_timeout`, and closes WebSockets with 1012 ("service restart") over
   * `websocket_drain`. Resolves when all is closed or the time is over; what is
   * left then ends with the process.
   */
  shutdown(): Promise<void>;
  /** Ends everything at once. */
  abort(): void;
}

/** What a proxy is started with. */
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
  /** Of all threads. */
  readonly recordings: Recordings;
  /** Threads that accept connections. */
  readonly workers: number;
  /**
   * What all threads have counted together; null where the config has no
   * `admin`. A thread that does not answer in time is not in it.
   *
   * @param watching As in {@linkcode RunningServer.snapshot}.
   */
  snapshot(watching?: boolean): Promise<ThreadSnapshot | null>;
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
