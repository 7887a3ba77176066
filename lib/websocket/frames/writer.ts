/**
 * Writes WebSocket messages to an upstream: several in one system call where they
 * arrive faster than the network takes them.
 *
 * @module
 */
import { Chunk, type ChunkPool, LARGE_CHUNK, SMALL_CHUNK } from "./buffers.ts";
import {
  applyMask,
  BINARY,
  headerSize,
  type MaskSource,
  MAX_HEADER,
  TEXT,
  writeHeader,
} from "./frame.ts";

const encoder = new TextEncoder();

/** What a writer needs of a connection. */
export interface Sink {
  write(bytes: Uint8Array): Promise<number>;
}

/** The owner of a writer. */
export interface WriterOwner {
  /** Called once, when a write has failed: nothing more will be sent. */
  writeFailed(): void;
}

export class FrameWriter {
  #queue: (Chunk | Uint8Array<ArrayBuffer>)[] = [];
  #chunk: Chunk | null = null;
  #buffered = 0;
  #written = 0;
  #writing = false;
  #failed = false;
  readonly #sink: Sink;
  readonly #chunks: ChunkPool;
  readonly #masks: MaskSource;
  readonly #owner: WriterOwner;

  constructor(
    sink: Sink,
    chunks: ChunkPool,
    masks: MaskSource,
    owner: WriterOwner,
  ) {
    this.#sink = sink;
    this.#chunks = chunks;
    this.#masks = masks;
    this.#owner = owner;
  }

  /** Bytes that wait for the network, headers included. */
  get bufferedAmount(): number {
    return this.#buffered;
  }

  /** Bytes that the network has taken. */
  get written(): number {
    return this.#written;
  }

  /**
   * Sends a text message.
   *
   * @returns Its length in bytes of UTF-8.
   */
  text(data: string): number {
    const most = data.length * 3;
    if (most + MAX_HEADER > LARGE_CHUNK) {
      const payload = encoder.encode(data);
      this.#long(TEXT, payload);
      return payload.length;
    }
    const chunk = this.#fit(most + MAX_HEADER);
    const { bytes, end } = chunk;
    // Most text is ASCII: leave room for the header that this would need.
    let at = end + headerSize(data.length);
    const { written } = encoder.encodeInto(data, bytes.subarray(at));
    const start = end + headerSize(written);
    if (start !== at) bytes.copyWithin(start, at, at + written);
    const mask = this.#masks.next();
    at = writeHeader(bytes, end, TEXT, written, mask);
    this.#finish(chunk, at, at + written, mask);
    return written;
  }

  /**
   * Sends a binary message.
   *
   * @param data Must not be used afterwards: it may be masked in place.
   * @returns Its length in bytes.
   */
  binary(data: ArrayBuffer): number {
    const payload = new Uint8Array(data);
    if (payload.length + MAX_HEADER > LARGE_CHUNK) this.#long(BINARY, payload);
    else this.control(BINARY, payload);
    return payload.length;
  }

  /** Sends a frame with a copy of the payload, which with its header fits 64 KiB. */
  control(opcode: number, payload: Uint8Array): void {
    const chunk = this.#fit(payload.length + MAX_HEADER);
    const mask = this.#masks.next();
    const { bytes, end } = chunk;
    const at = writeHeader(bytes, end, opcode, payload.length, mask);
    bytes.set(payload, at);
    this.#finish(chunk, at, at + payload.length, mask);
  }

  /** A long payload is masked in place and not copied. */
  #long(opcode: number, payload: Uint8Array<ArrayBuffer>): void {
    const mask = this.#masks.next();
    const chunk = this.#fit(MAX_HEADER);
    const at = writeHeader(
      chunk.bytes,
      chunk.end,
      opcode,
      payload.length,
      mask,
    );
    const whole = payload.length & ~3;
    const words = new Uint32Array(payload.buffer, 0, whole >> 2);
    applyMask(payload, words, 0, payload.length, mask);
    this.#buffered += at - chunk.end + payload.length;
    chunk.end = at;
    this.#queue.push(chunk, payload);
    this.#chunk = null;
    this.#start();
  }

  /** A chunk with room for `size` bytes. */
  #fit(size: number): Chunk {
    let chunk = this.#chunk;
    if (chunk !== null) {
      if (chunk.end + size <= chunk.bytes.length) return chunk;
      this.#queue.push(chunk);
    }
    // Much may arrive during a write.
    chunk = this.#chunks.take(size > SMALL_CHUNK || this.#writing);
    return this.#chunk = chunk;
  }

  #finish(chunk: Chunk, start: number, end: number, mask: number): void {
    applyMask(chunk.bytes, chunk.words, start, end, mask);
    this.#buffered += end - chunk.end;
    chunk.end = end;
    this.#start();
  }

  #start(): void {
    if (this.#failed) this.#drop();
    else if (!this.#writing) this.#drain();
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    try {
      while (true) {
        const next = this.#next();
        if (next === null) break;
        const whole = next instanceof Chunk
          ? next.bytes.subarray(0, next.end)
          : next;
        let count = await this.#sink.write(whole);
        this.#took(count);
        for (let done = count; done < whole.length; done += count) {
          count = await this.#sink.write(whole.subarray(done));
          this.#took(count);
        }
        if (next instanceof Chunk) this.#chunks.give(next);
      }
    } catch {
      this.#failed = true;
      this.#drop();
      this.#owner.writeFailed();
    }
    this.#writing = false;
  }

  #took(count: number): void {
    this.#buffered -= count;
    this.#written += count;
  }

  #next(): Chunk | Uint8Array<ArrayBuffer> | null {
    const next = this.#queue.shift();
    if (next !== undefined) return next;
    const chunk = this.#chunk;
    this.#chunk = null;
    return chunk;
  }

  #drop(): void {
    this.#queue = [];
    this.#chunk = null;
    this.#buffered = 0;
  }
}
