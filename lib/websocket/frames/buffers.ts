/**
 * Buffers that all WebSockets of a process share, so that an idle one holds
 * almost none and a busy one leaves no garbage.
 *
 * @module
 */

/** The two sizes of chunks. */
export const SMALL_CHUNK = 4 * 1024;
export const LARGE_CHUNK = 64 * 1024;
/** Free chunks kept, in bytes of each size. */
const CHUNKS_KEPT = 2 * 1024 * 1024;

/** The smallest buffer for messages that is made. */
const SMALLEST_MESSAGE = 64 * 1024;
/** Free bytes kept: enough for a message of 16 MiB and the steps on the way to it. */
const MESSAGES_KEPT = 32 * 1024 * 1024;

/** A buffer being filled with frames, or being written. */
export class Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array;
  end = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.words = new Uint32Array(this.bytes.buffer);
  }
}

/** Chunks for all connections of a process: one that is idle holds none. */
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
 * Buffers for messages that are put together. Left to the garbage collector they
 * pile up to tens of MiB before it takes notice.
 */
export class MessagePool {
  /** Free buffers by their length, a power of two. */
  readonly #free = new Map<number, Uint8Array<ArrayBuffer>[]>();
  #kept = 0;
  #used = false;

  /** A buffer of at least `size` bytes, with anything in it. */
  take(size: number): Uint8Array<ArrayBuffer> {
    this.#used = true;
    let length = SMALLEST_MESSAGE;
    while (length < size) length *= 2;
    const buffer = this.#free.get(length)?.pop();
    if (buffer === undefined) return new Uint8Array(length);
    this.#kept -= length;
    return buffer;
  }

  /** Takes back what {@linkcode take} gave. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    const { length } = buffer;
    if (this.#kept + length > MESSAGES_KEPT) return;
    const free = this.#free.get(length);
    if (free === undefined) this.#free.set(length, [buffer]);
    else free.push(buffer);
    this.#kept += length;
  }

  /** Lets all go if none was taken since the last call. */
  sweep(): void {
    if (!this.#used) this.clear();
    this.#used = false;
  }

  /** Lets all go. */
  clear(): void {
    this.#free.clear();
    this.#kept = 0;
  }
}
