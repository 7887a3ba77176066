/**
 * Writing log lines to a stream whose reader may stall, go away or fail: the
 * proxy never waits for it, and its memory is bounded.
 *
 * @module
 */

/** `Deno.stdout`, `Deno.stderr`. */
interface ByteStream {
  /** @returns How many bytes were written. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Why a stream can't be written; `ended` if it is not tried again. */
export type OnFailure = (why: string, ended: boolean) => void;

/** Milliseconds between two tries after an error: at first, and at most. */
const MIN_RETRY_DELAY = 10;
const MAX_RETRY_DELAY = 1_000;

/**
 * The maximum size of one write, in bytes: a pipe accepts it whole or not at all
 * (PIPE_BUF on Linux; POSIX, write). After a larger write that was accepted in
 * part, an error of Deno 2.9.6 does not tell how much was: standard output goes
 * through Rust's `LineWriter`.
 */
const MAX_WRITE = 4096;

/** Milliseconds between two messages about errors. */
const MESSAGE_INTERVAL = 60_000;

/**
 * Writes to a stream, in the order of the calls. After an error, such as a
 * full disk (ENOSPC) or a full non-blocking pipe (EAGAIN), it is tried again.
 * Only a pipe without a reader (EPIPE) is the end.
 */
export class LogOutput {
  readonly #stream: ByteStream;
  readonly #failed: OnFailure;
  #last: Promise<void> = Promise.resolve();
  #ended: Error | null = null;
  #lastMessage = -Infinity;

  /** @param failed Called at the end, and at other errors at most once a minute. */
  constructor(stream: ByteStream, failed: OnFailure) {
    this.#stream = stream;
    this.#failed = failed;
  }

  /**
   * Writes all bytes, after those of earlier calls. Resolves when that is done,
   * however long it takes.
   *
   * @param bytes Whole lines.
   * @throws {Deno.errors.BrokenPipe} if there is no reader any more.
   */
  write(bytes: Uint8Array): Promise<void> {
    const written = this.#last.then(() => this.#writeAll(bytes));
    this.#last = written.catch(() => {});
    return written;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let delay = MIN_RETRY_DELAY;
    for (let at = 0; at < bytes.length;) {
      if (this.#ended !== null) throw this.#ended;
      try {
        at += await this.#stream.write(nextPart(bytes, at));
        delay = MIN_RETRY_DELAY;
      } catch (error) {
        this.#handle(error);
        await new Promise((resolve) => setTimeout(resolve, delay));
        delay = Math.min(2 * delay, MAX_RETRY_DELAY);
      }
    }
  }

  /** @throws An error that is the end. */
  #handle(error: unknown): void {
    if (error instanceof Deno.errors.BrokenPipe) {
      this.#ended = error;
      this.#failed(error.message, true);
      throw error;
    }
    // A full pipe is not an error, but a slow reader.
    if (error instanceof Deno.errors.WouldBlock) return;
    const now = performance.now();
    if (now - this.#lastMessage < MESSAGE_INTERVAL) return;
    this.#lastMessage = now;
    this.#failed(error instanceof Error ? error.message : String(error), false);
  }
}

/**
 * The bytes of the next write: to the end of a line, since `LineWriter` buffers
 * the rest.
 */
function nextPart(bytes: Uint8Array, at: number): Uint8Array {
  const part = bytes.subarray(at, at + MAX_WRITE);
  const lineFeed = part.lastIndexOf(0x0a);
  return lineFeed === -1 ? part : part.subarray(0, lineFeed + 1);
}

interface QueueOptions {
  /** Characters that wait at most; lines beyond are lost, and counted. */
  readonly limit: number;
  /** Milliseconds in which lines are collected for one write; 0 for none. */
  readonly delay: number;
  /** The text that is written in the place of lost lines. */
  readonly lostLines: (count: number) => string;
}

/** Lines that wait to be written. */
export class LineQueue {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #options: QueueOptions;
  readonly #encoder = new TextEncoder();
  #waiting = "";
  #lost = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #ended = false;

  /** @param write Writes a batch of lines. A rejection is the end of the queue. */
  constructor(
    write: (bytes: Uint8Array) => Promise<void>,
    options: QueueOptions,
  ) {
    this.#write = write;
    this.#options = options;
  }

  /** @param text One line, or several, each with its line feed. */
  add(text: string): void {
    if (this.#ended) return;
    if (this.#waiting.length > this.#options.limit) {
      this.#lost += linesIn(text);
      return;
    }
    this.#waiting += text;
    if (this.#writing !== undefined || this.#timer !== undefined) return;
    if (this.#options.delay === 0) {
      this.#writing = this.#drain();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#drain();
    }, this.#options.delay);
  }

  /** Writes what is waiting; resolves when it is written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await (this.#writing ??= this.#drain());
  }

  async #drain(): Promise<void> {
    // Ends only after the caller has stored the promise.
    await null;
    while (this.#waiting !== "" && !this.#ended) {
      let text = this.#waiting;
      this.#waiting = "";
      if (this.#lost > 0) {
        // The lost lines came after those that were waiting.
        text += this.#options.lostLines(this.#lost);
        this.#lost = 0;
      }
      try {
        await this.#write(this.#encoder.encode(text));
      } catch {
        this.#ended = true;
        this.#waiting = "";
      }
    }
    this.#writing = undefined;
  }
}

function linesIn(text: string): number {
  let count = 0;
  for (let at = -1; (at = text.indexOf("\n", at + 1)) !== -1;) count++;
  return count;
}
