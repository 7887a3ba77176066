/**
 * Buffers shared by all WebSockets of a listener: an idle connection holds almost
 * none, and a busy one produces no garbage.
 *
 * @module
 */

/** The two sizes of chunks, in bytes. */
export const SMALL_CHUNK = 4 * 1024;
export const LARGE_CHUNK = 64 * 1024;
/** Bytes of free chunks kept, of each size. */
const CHUNKS_KEPT = 2 * 1024 * 1024;

/** Bytes of the smallest buffer for messages. */
const SMALLEST_MESSAGE = 64 * 1024;
/** Free bytes kept: a message of 16 MiB with the smaller buffers it grew from. */
const MESSAGES_KEPT = 32 * 1024 * 1024;

/** A buffer that is filled with frames, and then written. */
export class Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array;
  end = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.words = new Uint32Array(this.bytes.buffer);
  }
}

/** The memory of the messages to all upstreams. */
export class MessageMemory {
  /** Bytes that wait for the network. */
  waiting = 0;

  /**
   * Releases a message that is not needed any more. Left to the garbage collector,
   * hundreds of MiB would accumulate: it runs when many objects are made, and a
   * long message is one. In Deno 2.9.6 a WebSocket also refers to its last message
   * until the next one. A text can't be released.
   */
  release(message: string | ArrayBuffer): void {
    if (typeof message !== "string") message.transfer(0);
  }
}

/** Chunks for all connections: an idle one holds none. */
export class ChunkPool {
  readonly #small: Chunk[] = [];
  readonly #large: Chunk[] = [];

  take(large: boolean): Chunk {
    return (large ? this.#large : this.#small).pop() ??
      new Chunk(large ? LARGE_CHUNK : SMALL_CHUNK);
  }

  give(chunk: Chunk): void {
    const size = chunk.bytes.length;
    const free = size === LARGE_CHUNK ? this.#large : this.#small;
    chunk.end = 0;
    if (free.length * size < CHUNKS_KEPT) free.push(chunk);
  }
}

/**
 * Buffers in which messages are assembled. Left to the garbage collector, tens of
 * MiB of them would accumulate before it runs.
 */
export class MessagePool {
  /** Free buffers by their length, a power of two. */
  readonly #free = new Map<number, Uint8Array<ArrayBuffer>[]>();
  #kept = 0;
  #used = false;

  /** A buffer of at least `size` bytes, with arbitrary content. */
  take(size: number): Uint8Array<ArrayBuffer> {
    this.#used = true;
    let length = SMALLEST_MESSAGE;
    while (length < size) length *= 2;
    const buffer = this.#free.get(length)?.pop();
    if (buffer === undefined) return new Uint8Array(length);
    this.#kept -= length;
    return buffer;
  }

  /** Takes back a buffer of {@linkcode take}. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const { length } = buffer;
    if (this.#kept + length > MESSAGES_KEPT) return;
    const free = this.#free.get(length);
    if (free === undefined) this.#free.set(length, [buffer]);
    else free.push(buffer);
    this.#kept += length;
  }

  /** Releases all free buffers if none was taken since the last call. */
  sweep(): void {
    if (!this.#used) this.clear();
    this.#used = false;
  }

  /** Releases all free buffers. */
  clear(): void {
    this.#free.clear();
    this.#kept = 0;
  }
}
