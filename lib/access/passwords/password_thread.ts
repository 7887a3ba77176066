/**
 * The thread that checks passwords, as seen from the thread that serves.
 *
 * @module
 */
import type { Answer, Question } from "./password_worker.ts";

/** The most passwords that wait for their check. */
const MOST_WAITING = 100;

/** Milliseconds without work after which the thread ends. */
const IDLE_TIMEOUT = 60_000;

/** Too many passwords wait already. */
export class TooManyWaiting extends Error {
  override readonly name = "TooManyWaiting";
}

/** Who waits for an answer. */
interface Waiting {
  resolve(matches: boolean): void;
  reject(error: Error): void;
}

/** Starts when it is needed, and ends when it is not. */
export class PasswordThread {
  #worker: Worker | null = null;
  #lastId = 0;
  readonly #waiting = new Map<number, Waiting>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * Whether a password is the one that is stored, both byte strings.
   *
   * @throws {TooManyWaiting}
   * @throws {Error} where that could not be found out.
   */
  matches(password: string, stored: string): Promise<boolean> {
    if (this.#closed) return Promise.reject(closing());
    if (this.#waiting.size >= MOST_WAITING) {
      return Promise.reject(new TooManyWaiting());
    }
    clearTimeout(this.#idle);
    const worker = this.#worker ??= this.#start();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#waiting.set(id, { resolve, reject });
    worker.postMessage({ id, password, stored } satisfies Question);
    return promise;
  }

  /** Ends the thread for good; who waits, or asks from now on, gets an error. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#idle);
    this.#end(closing());
  }

  #start(): Worker {
    const worker = new Worker(
      new URL("./password_worker.ts", import.meta.url),
      {
        type: "module",
        name: "passwords",
      },
    );
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.matches !== null) waiting?.resolve(data.matches);
      else waiting?.reject(new Error("a password could not be checked"));
      if (this.#waiting.size > 0) return;
      this.#idle = setTimeout(
        () => this.#end(new Error("idle")),
        IDLE_TIMEOUT,
      );
    };
    worker.onerror = (event) => {
      // Else it would end this thread too.
      event.preventDefault();
      this.#end(new Error(`passwords can't be checked: ${event.message}`));
    };
    return worker;
  }

  #end(reason: Error): void {
    this.#worker?.terminate();
    this.#worker = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(reason);
  }
}

function closing(): Error {
  return new Error("the proxy is shutting down");
}
