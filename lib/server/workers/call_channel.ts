/**
 * Calls between the main thread and its workers.
 *
 * @module
 */
import type { ConfigSource } from "../../config/config_source.ts";
import type { ThreadSnapshot } from "../../observe/metrics/metrics.ts";
import { ListenError } from "../listen_address.ts";
import type { Changes, ListenedAddress, Recordings } from "../running.ts";

/** A config for a worker. */
export interface WorkerConfig {
  readonly config: ConfigSource;
  /** The ports that other workers have bound, by address key. */
  readonly ports: ReadonlyMap<string, number>;
  /** Whether this worker listens on the unix sockets too, which can't be shared. */
  readonly unix: boolean;
  /** The number of the config, from 1. */
  readonly generation: number;
}

/** The methods of a worker, called by the main thread. */
export interface WorkerCalls {
  /** @throws {ListenError} */
  start(config: WorkerConfig): readonly ListenedAddress[];
  /**
   * Opens the addresses of another config, and waits for `commit` or `cancel`.
   *
   * @throws {ListenError}
   */
  prepare(config: WorkerConfig): readonly ListenedAddress[];
  /** Puts the prepared config in effect. */
  commit(): Changes;
  /** Drops the prepared config. */
  cancel(): void;
  /** See `RunningServer.snapshot`. */
  snapshot(watching: boolean): ThreadSnapshot | null;
  /** See {@linkcode Recordings}. */
  find: Recordings["find"];
  replay: Recordings["replay"];
  /** Resolves when everything is closed, or after `shutdown_timeout`. */
  shutdown(): Promise<void>;
}

/** The methods of the main thread, called by a worker. */
export interface MainCalls {
  /** Writes whole lines of the access log. */
  writeLog(lines: Uint8Array): Promise<void>;
  /** Writes one line to the error log. */
  logError(line: string): void;
  /** Reloads the config; null if the proof is wrong. */
  control(proof: string): Promise<string | null>;
}

/** One end of the message channel between a thread and its worker. */
interface ChannelEnd {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: Message) => void): unknown;
}

/** The methods of one side. Arguments and results are copied from thread to thread. */
type Methods<T> = { [Name in keyof T]: (...args: never[]) => unknown };

type Message =
  | { kind: "call"; id: number; method: string; args: unknown[] }
  | { kind: "result"; id: number; value: unknown }
  | { kind: "error"; id: number; error: SentError };

/** An error's message; its own fields only for `ListenError`, which callers handle. */
interface SentError {
  message: string;
  listen: Pick<ListenError, "address" | "kind"> | null;
}

/** One end of the channel, from which the other side's methods are called. */
export class CallChannel<Remote extends Methods<Remote>> {
  readonly #end: ChannelEnd;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #closed: Error | null = null;

  /** @param own This side's methods. */
  constructor(end: ChannelEnd, own: object) {
    this.#end = end;
    // The caller's `Remote` type checks names and arguments.
    const methods = new Map<string, (...args: unknown[]) => unknown>(
      Object.entries(own),
    );
    end.on("message", (message) => {
      if (message.kind === "call") this.#serve(message, methods);
      else this.#settle(message);
    });
  }

  /**
   * Calls a method of the other side.
   *
   * @throws What the method throws, as {@linkcode ListenError} or `Error`; also
   * if the channel is closed before the method returns.
   */
  async call<Name extends keyof Remote & string>(
    method: Name,
    ...args: Parameters<Remote[Name]>
  ): Promise<Awaited<ReturnType<Remote[Name]>>> {
    if (this.#closed !== null) throw this.#closed;
    const id = ++this.#lastId;
    const result = Promise.withResolvers<unknown>();
    this.#waiting.set(id, result);
    this.#end.postMessage({ kind: "call", id, method, args });
    return await result.promise as Awaited<ReturnType<Remote[Name]>>;
  }

  /** Rejects all pending calls with an error. */
  close(error: Error): void {
    this.#closed = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async #serve(
    { id, method, args }: Message & { kind: "call" },
    methods: ReadonlyMap<string, (...args: unknown[]) => unknown>,
  ): Promise<void> {
    let answer: Message;
    try {
      const value = await methods.get(method)?.(...args);
      answer = { kind: "result", id, value };
    } catch (error) {
      answer = { kind: "error", id, error: pack(error) };
    }
    this.#end.postMessage(answer);
  }

  #settle(message: Message & { kind: "result" | "error" }): void {
    const result = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === "result") result?.resolve(message.value);
    else result?.reject(unpack(message.error));
  }
}

function pack(error: unknown): SentError {
  const message = error instanceof Error ? error.message : String(error);
  const listen = error instanceof ListenError
    ? { address: error.address, kind: error.kind }
    : null;
  return { message, listen };
}

function unpack({ message, listen }: SentError): Error {
  const error = new Error(message);
  return listen === null
    ? error
    : new ListenError(listen.address, listen.kind, { cause: error });
}
