/**
 * Writes WebSocket messages to an upstream: several in one system call where they
 * arrive faster than the network takes them.
 *
 * @module
 */
import {
  Chunk,
  type ChunkPool,
  LARGE_CHUNK,
  MessageMemory,
  SMALL_CHUNK,
} from "./buffers.ts";
import {
  applyMask,
  BINARY,
  byteLength,
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

/** A long text, which is encoded and masked as the network takes it. */
interface LongText {
  readonly text: string;
  readonly mask: number;
}

type LongPayload = Uint8Array<ArrayBuffer> | LongText;

export class FrameWriter {
  #queue: (Chunk | LongPayload)[] = [];
  #chunk: Chunk | null = null;
  #buffered = 0;
  #written = 0;
  #writing = false;
  #failed = false;
  readonly #sink: Sink;
  readonly #chunks: ChunkPool;
  readonly #masks: MaskSource;
  readonly #owner: WriterOwner;
  readonly #memory: MessageMemory;

  constructor(
    sink: Sink,
    chunks: ChunkPool,
    masks: MaskSource,
    owner: WriterOwner,
    memory: MessageMemory = new MessageMemory(),
  ) {
    this.#sink = sink;
    this.#chunks = chunks;
    this.#masks = masks;
    this.#owner = owner;
    this.#memory = memory;
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
      const length = byteLength(data);
      const mask = this.#masks.next();
      this.#long(TEXT, length, mask, { text: data, mask });
      return length;
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
    const { length } = payload;
    if (length + MAX_HEADER > LARGE_CHUNK) {
      const mask = this.#masks.next();
      const words = new Uint32Array(data, 0, length >> 2);
      applyMask(payload, words, 0, length, mask);
      this.#long(BINARY, length, mask, payload);
    } else {
      this.control(BINARY, payload);
    }
    return length;
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

  /** Drops what waits; nothing is sent any more. */
  discard(): void {
    this.#failed = true;
    this.#drop();
  }

  /** A long payload is not copied: a binary one is masked in place. */
  #long(
    opcode: number,
    length: number,
    mask: number,
    payload: LongPayload,
  ): void {
    const chunk = this.#fit(MAX_HEADER);
    const at = writeHeader(chunk.bytes, chunk.end, opcode, length, mask);
    this.#queued(at - chunk.end + length);
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
    this.#queued(end - chunk.end);
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
        if (next instanceof Chunk) {
          const whole = next.bytes.subarray(0, next.end);
          const count = this.#took(await this.#sink.write(whole));
          if (count < whole.length) await this.#write(whole.subarray(count));
          this.#chunks.give(next);
        } else {
          await this.#writeLong(next).finally(() => this.#release(next));
        }
      }
    } catch {
      this.#failed = true;
      this.#drop();
      this.#owner.writeFailed();
    }
    this.#writing = false;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += this.#took(await this.#sink.write(bytes.subarray(done)));
    }
  }

  /** @throws {Error} where nothing waits any more. */
  #took(count: number): number {
    if (this.#failed) throw new Error("discarded");
    this.#written += count;
    this.#queued(-count);
    return count;
  }

  #writeLong(payload: LongPayload): Promise<void> {
    return payload instanceof Uint8Array
      ? this.#write(payload)
      : this.#writeText(payload);
  }

  async #writeText({ text, mask }: LongText): Promise<void> {
    const chunk = this.#chunks.take(true);
    const { bytes, words } = chunk;
    let key = mask;
    for (let rest = text; rest !== "";) {
      const { read, written } = encoder.encodeInto(rest, bytes);
      rest = rest.substring(read);
      applyMask(bytes, words, 0, written, key);
      const shift = (written & 3) * 8;
      if (shift > 0) key = key >>> shift | key << 32 - shift;
      await this.#write(bytes.subarray(0, written));
    }
    this.#chunks.give(chunk);
  }

  #queued(bytes: number): void {
    this.#buffered += bytes;
    this.#memory.waiting += bytes;
  }

  #next(): Chunk | LongPayload | null {
    const next = this.#queue.shift();
    if (next !== undefined) return next;
    const chunk = this.#chunk;
    this.#chunk = null;
    return chunk;
  }

  #release(payload: LongPayload): void {
    this.#memory.release(
      payload instanceof Uint8Array ? payload.buffer : payload.text,
    );
  }

  #drop(): void {
    for (const queued of this.#queue) {
      if (!(queued instanceof Chunk)) this.#release(queued);
    }
    this.#queue = [];
    this.#chunk = null;
    this.#queued(-this.#buffered);
  }
}
