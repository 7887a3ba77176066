/**
 * The bytes of a compressed response.
 *
 * The platform's own `CompressionStream` has neither levels nor a flush, and
 * takes longer (for 10 kB 80 µs, where `node:zlib` takes 30 at gzip's level 1;
 * Deno 2.9.6). Both work in the thread that serves: so bodies are taken in
 * pieces.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Transform } from "node:stream";
import type { CodingPlan } from "../../config/plan.ts";
import type { DeliveredBody } from "../../exchange/exchange.ts";

/** Bytes that are compressed at a time: 1 ms at gzip's level 6. */
const PIECE_SIZE = 128 * 1024;

/** What compresses. */
export interface Compressor {
  whole(coding: CodingPlan, bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  /** @param flushes Whether all that is written comes out at once. */
  stream(coding: CodingPlan, flushes: boolean): Transform;
}

/**
 * Loads the compressor, which takes 10 ms at its first use and is not needed by
 * most configs.
 */
export async function loadCompressor(): Promise<Compressor> {
  const zlib = await import("node:zlib");
  const {
    BROTLI_OPERATION_FLUSH,
    BROTLI_OPERATION_PROCESS,
    BROTLI_PARAM_QUALITY,
    Z_NO_FLUSH,
    Z_SYNC_FLUSH,
  } = zlib.constants;
  return {
    whole({ name, level }, bytes) {
      const compressed = name === "gzip"
        ? zlib.gzipSync(bytes, { level })
        : zlib.brotliCompressSync(bytes, {
          params: { [BROTLI_PARAM_QUALITY]: level },
        });
      return new Uint8Array(compressed);
    },
    stream({ name, level }, flushes) {
      return name === "gzip"
        ? zlib.createGzip({
          level,
          flush: flushes ? Z_SYNC_FLUSH : Z_NO_FLUSH,
        })
        : zlib.createBrotliCompress({
          flush: flushes ? BROTLI_OPERATION_FLUSH : BROTLI_OPERATION_PROCESS,
          params: { [BROTLI_PARAM_QUALITY]: level },
        });
    },
  };
}

/** A body that is compressed as the client takes it. */
export class CompressedBody
  implements DeliveredBody, UnderlyingDefaultSource<Uint8Array> {
  readonly stream: ReadableStream<Uint8Array>;
  /** Compressed bytes that were handed on. */
  size = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #transform: Transform;
  readonly #source: DeliveredBody | null;
  /** What is left of the last read. */
  #rest: Uint8Array | null = null;
  #output: Uint8Array[] = [];
  #ended = false;

  /** @param source What is known of the body that is compressed. */
  constructor(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    transform: Transform,
    source: DeliveredBody | null,
  ) {
    this.#reader = reader;
    this.#transform = transform;
    this.#source = source;
    transform.on("data", (bytes: Buffer) => this.#output.push(bytes));
    // Where it can't go on its callbacks say so.
    transform.on("error", () => {});
    this.stream = new ReadableStream(this, { highWaterMark: 0 });
  }

  get failure(): Error | null {
    return this.#source?.failure ?? null;
  }

  async pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    try {
      while (this.#output.length === 0) {
        const piece = await this.#next();
        if (this.#ended) return;
        await (piece === null ? this.#finish() : this.#write(piece));
        if (this.#ended) return;
        if (piece === null) {
          this.#handOn(controller);
          this.#end();
          return controller.close();
        }
      }
      this.#handOn(controller);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** The client has left. */
  async cancel(reason?: unknown): Promise<void> {
    this.#end();
    await this.#reader.cancel(reason);
  }

  /** The next piece to compress; null at the end. */
  async #next(): Promise<Uint8Array | null> {
    let bytes = this.#rest;
    if (bytes === null) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      bytes = value;
    }
    this.#rest = bytes.length > PIECE_SIZE ? bytes.subarray(PIECE_SIZE) : null;
    return bytes.subarray(0, PIECE_SIZE);
  }

  #write(piece: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#transform.write(piece, (error) => {
      if (error && !this.#ended) return reject(error);
      // What did not come by itself yet is asked for.
      while (this.#transform.read() !== null);
      resolve();
    });
    return promise;
  }

  #finish(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#transform.once("end", resolve);
    this.#transform.once("close", () => resolve());
    this.#transform.once("error", reject);
    this.#transform.end();
    return promise;
  }

  #handOn(controller: ReadableStreamDefaultController<Uint8Array>): void {
    for (const bytes of this.#output) {
      this.size += bytes.length;
      controller.enqueue(bytes);
    }
    this.#output = [];
  }

  /** Its state has 250 kB, which are not left to the garbage collector. */
  #end(): void {
    this.#ended = true;
    this.#rest = null;
    this.#transform.destroy();
  }
}
