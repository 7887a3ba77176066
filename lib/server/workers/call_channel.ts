/**
 * Calls between two threads: each has methods that the other may call.
 *
 * @module
 */
import { ListenError } from "../listen_address.ts";

/** An end of the line between a thread and its worker. */
export interface ChannelEnd {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: Message) => void): unknown;
}

/** What a side offers. Arguments and results are copied from thread to thread. */
type Methods<T> = { [Name in keyof T]: (...args: never[]) => unknown };

type Message =
  | { kind: "call"; id: number; method: string; args: unknown[] }
  | { kind: "result"; id: number; value: unknown }
  | { kind: "error"; id: number; error: SentError };

/** Of an error's own fields only those of the errors that are told apart. */
interface SentError {
  message: string;
  listen: Pick<ListenError, "address" | "kind"> | null;
}

/** One end, from which the other side's methods are called. */
export class CallChannel<Remote extends Methods<Remote>> {
  readonly #end: ChannelEnd;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #closed: Error | null = null;

  /** @param own This side's methods. */
  constructor(end: ChannelEnd, own: object) {
    this.#end = end;
    // Who calls is held to their types by the other side's `Remote`.
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
   * @throws What it throws, as {@linkcode ListenError} or `Error`; also if the
   * channel is closed before it returns.
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

  /** Ends all calls that wait with an error. */
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
