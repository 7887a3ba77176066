/**
 * The chunked transfer coding (RFC 9112 section 7.1), taken off as bytes come.
 *
 * @module
 */

/** The body breaks the coding's grammar. */
export class ChunkError extends Error {
  override readonly name = "ChunkError";
}

/** Bytes that the extensions of one chunk may have, and all trailers together. */
const EXTRAS_LIMIT = 64 * 1024;

/** Digits of the longest size: 2^48 bytes. */
const MOST_DIGITS = 12;

const CR = 0x0d;
const LF = 0x0a;

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6;
const TRAILER_LINE = 7;
const TRAILER_LF = 8;
const LAST_LF = 9;
const DONE = 10;

/**
 * Takes framing away where the bytes are, so that all the data of one read goes
 * on in one piece. Trailers are dropped: `Deno.serve` can't send any.
 */
export class ChunkedDecoder {
  #state = SIZE;
  /** Of the chunk, while its size is read; then what is left of its data. */
  #left = 0;
  #digits = 0;
  #extras = 0;
  /** Where the decoding stopped: behind the body's end, if that was reached. */
  end = 0;

  get done(): boolean {
    return this.#state === DONE;
  }

  /**
   * Decodes bytes in place.
   *
   * @returns How many bytes of data stand at the beginning of `bytes` now.
   * @throws {ChunkError} after which the decoder is of no use.
   */
  decode(bytes: Uint8Array): number {
    const { length } = bytes;
    let written = 0;
    let at = 0;
    while (at < length && this.#state !== DONE) {
      if (this.#state === DATA) {
        const count = Math.min(this.#left, length - at);
        if (written !== at) bytes.copyWithin(written, at, at + count);
        written += count;
        at += count;
        this.#left -= count;
        if (this.#left === 0) this.#state = DATA_CR;
        continue;
      }
      this.#step(bytes[at++] as number);
    }
    this.end = at;
    return written;
  }

  /** Takes one byte of framing. */
  #step(code: number): void {
    switch (this.#state) {
      case SIZE:
        return this.#size(code);
      case EXTENSION:
        if (code === CR) this.#state = SIZE_LF;
        else this.#extra(code);
        return;
      case SIZE_LF:
        expect(code, LF);
        this.#digits = 0;
        this.#extras = 0;
        this.#state = this.#left === 0 ? TRAILER : DATA;
        return;
      case DATA_CR:
        expect(code, CR);
        this.#state = DATA_LF;
        return;
      case DATA_LF:
        expect(code, LF);
        this.#state = SIZE;
        return;
      case TRAILER:
        if (code === CR) this.#state = LAST_LF;
        else {
          this.#extra(code);
          this.#state = TRAILER_LINE;
        }
        return;
      case TRAILER_LINE:
        if (code === CR) this.#state = TRAILER_LF;
        else this.#extra(code);
        return;
      case TRAILER_LF:
        expect(code, LF);
        this.#state = TRAILER;
        return;
      case LAST_LF:
        expect(code, LF);
        this.#state = DONE;
    }
  }

  #size(code: number): void {
    const digit = hexValue(code);
    if (digit >= 0) {
      if (++this.#digits > MOST_DIGITS) {
        throw new ChunkError("a chunk too large");
      }
      this.#left = this.#left * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new ChunkError("a chunk without a size");
    if (code === CR) this.#state = SIZE_LF;
    // ";", and the white space that some put before it.
    else if (code === 0x3b || code === 0x20 || code === 0x09) {
      this.#state = EXTENSION;
    } else throw new ChunkError("an invalid size of a chunk");
  }

  /**
   * Extensions and trailers are skipped, up to a limit. A line feed alone would
   * end their line for some, and not for others.
   */
  #extra(code: number): void {
    if (code === LF) throw new ChunkError("a bare line feed");
    if (++this.#extras > EXTRAS_LIMIT) {
      throw new ChunkError("too long extensions or trailers");
    }
  }
}

function expect(code: number, wanted: number): void {
  if (code !== wanted) throw new ChunkError("no line end behind a chunk");
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
