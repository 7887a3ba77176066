/**
 * The stream of a request's body, read in pieces of the right size.
 *
 * @module
 */

/** Bytes before and behind a piece in its buffer: there is room for its framing. */
export const MARGIN = 16;

/** A body with a length up to this one mostly comes together with its head. */
const SMALL = 64 * 1024;

/** Bytes asked for at once, of a body that has a length. */
const READ_SIZE = 64 * 1024;

/**
 * Reads what `Deno.serve` gives as a request's body. Large bodies are read into
 * buffers of this class's own, which can be used again: the platform makes a new
 * one for every piece, and only a garbage collection frees it.
 */
export class BodySource {
  readonly #whole: ReadableStreamDefaultReader<Uint8Array> | null;
  readonly #pieces: ReadableStreamBYOBReader | null;
  readonly #sizes: ReadSizes | null;

  /** @param length The body's Content-Length, null for none. */
  constructor(stream: ReadableStream<Uint8Array>, length: number | null) {
    this.#pieces = length !== null && length <= SMALL ? null : byobOf(stream);
    this.#whole = this.#pieces === null ? stream.getReader() : null;
    this.#sizes = length === null ? new ReadSizes() : null;
  }

  /**
   * The next piece; null at the end. It may be empty.
   *
   * @param spare A buffer that was given with an earlier piece, to be used
   * again; null for none.
   * @throws What the stream throws.
   */
  async read(spare: ArrayBuffer | null): Promise<Uint8Array | null> {
    if (this.#pieces === null) {
      const whole = await this.#whole?.read();
      return whole?.value ?? null;
    }
    const size = this.#sizes?.next ?? READ_SIZE;
    const needed = MARGIN + size + MARGIN;
    const buffer = spare !== null && spare.byteLength >= needed
      ? spare
      : new ArrayBuffer(needed);
    const { value, done } = await this.#pieces
      .read(new Uint8Array(buffer, MARGIN, size));
    if (done) return null;
    this.#sizes?.read(value.length);
    return value;
  }

  /** Whether all pieces have {@linkcode MARGIN} around them. */
  get hasMargins(): boolean {
    return this.#pieces !== null;
  }

  /** Nothing more of it is read. */
  cancel(): void {
    (this.#pieces ?? this.#whole)?.cancel().catch(() => {});
  }
}

/** Null for a body that came together with its head: it is no stream of bytes. */
function byobOf(
  stream: ReadableStream<Uint8Array>,
): ReadableStreamBYOBReader | null {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}

/** The first read of a body in chunks, in bytes. */
const FIRST_SIZE = 4 * 1024;
/** The largest one: 64 KiB with their framing. */
const LARGEST_SIZE = 64 * 1024 + MARGIN;
/** Bytes that the size line of a whole chunk may be longer than that of its part. */
const TOLERANCE = 4;

/** A read is made larger when a chunk has turned out to hold so many times as much. */
const PARTS = 64;

/**
 * How much to ask for at once, of a body in chunks: as much as they hold.
 *
 * With every read Deno 2.9.6 takes as many bytes from the connection as the
 * largest read so far has asked for, and gives at most the rest of one chunk. So
 * where the client sends faster than this side reads, what it has taken too early
 * grows and grows, and is moved in memory with every read: 256 MiB in chunks of
 * 8 KiB took five minutes. Where a read asks for just what a chunk takes with its
 * framing, as much goes as comes.
 */
export class ReadSizes {
  /** Bytes to ask for. */
  next = FIRST_SIZE;
  /** Bytes of the chunk that was read last, as far as it has come. */
  #chunk = 0;
  /** Whether that chunk has filled a read, and so may go on. */
  #goesOn = false;
  /** The size that the chunks before it seemed to have. */
  #seen = 0;
  /** Whether one chunk after the other has just filled a read. */
  #fits = false;

  /** Takes note of what a read gave. */
  read(count: number): void {
    if (count === this.next) {
      // Only data: in the middle of a chunk.
      this.#chunk += count;
      this.#goesOn = true;
      this.#fits = false;
      if (this.#chunk >= PARTS * count) this.#grow(2 * count);
      return;
    }
    // The first read of a chunk gives as much less as its size line takes.
    const isLikeFirst =
      this.#chunk + framing(this.#chunk) + TOLERANCE >= this.next;
    if (count === this.#chunk) this.#fits = isLikeFirst;
    else if (this.#goesOn || isLikeFirst && !this.#fits) {
      this.#whole(this.#chunk + count);
      return;
    }
    // All of a chunk, or its beginning; or all that has come of it.
    if (!this.#fits) this.#chunk = count;
  }

  /** A chunk of this size seems to have come: that can be true, or chance. */
  #whole(chunk: number): void {
    if (chunk === this.#seen) {
      // As few reads as possible for each, all of one size.
      const whole = chunk + framing(chunk);
      this.#grow(Math.ceil(whole / Math.ceil(whole / LARGEST_SIZE)));
    }
    this.#seen = chunk;
    this.#chunk = 0;
    this.#goesOn = false;
  }

  /** What the platform has once read at a time does not shrink. */
  #grow(size: number): void {
    this.next = Math.max(this.next, Math.min(LARGEST_SIZE, size));
  }
}

/** Bytes of a chunk that are not data: its size, and two line ends. */
function framing(chunk: number): number {
  return chunk.toString(16).length + 4;
}
