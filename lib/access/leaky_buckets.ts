/**
 * How fast requests come, by key: nginx's leaky bucket
 * (ngx_http_limit_req_module), in whole milliseconds and thousandths of a request
 * as there.
 *
 * @module
 */
import { fromCodes } from "../route/bytes.ts";

/** Bytes of a bucket beside the letters of its key, as measured. (nginx's have 128.) */
const STATE_SIZE = 192;

/** Milliseconds after which a key that has nothing left is forgotten. */
const STALE = 60_000;

/** What is known of a key; in a ring with the others, the one seen last first. */
export class Bucket {
  next: Bucket = this;
  previous: Bucket = this;
  /** Requests that came too early, in thousandths. */
  #excess = 0;
  /** When a request was counted last; null for never. */
  #last: number | null = null;

  constructor(readonly key: string) {}

  /** Of the ring of which it is a part, or is to be. */
  get size(): number {
    return STATE_SIZE + this.key.length;
  }

  /**
   * The excess with one more request.
   *
   * @param rate In thousandths of a request per second.
   * @param now In whole milliseconds.
   */
  excessWith(rate: number, now: number): number {
    if (this.#last === null) return 0;
    const leaked = Math.floor(rate * (now - this.#last) / 1000);
    return Math.max(0, this.#excess - leaked + 1000);
  }

  /** Counts one more request. */
  count(excess: number, now: number): void {
    this.#excess = excess;
    this.#last = now;
  }

  /** Whether it is as if its key had never been seen. */
  isStale(rate: number, now: number): boolean {
    if (this.#last === null) return true;
    const ms = now - this.#last;
    return ms >= STALE && this.#excess <= Math.floor(rate * ms / 1000);
  }

  unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
  }

  linkAfter(other: Bucket): void {
    this.next = other.next;
    this.previous = other;
    other.next.previous = this;
    other.next = this;
  }
}

/** The buckets of one zone. */
export class LeakyBuckets {
  readonly #buckets = new Map<string, Bucket>();
  /** Begins and ends the ring; no bucket itself. */
  readonly #ring = new Bucket("");
  #size = 0;

  /** @param limit The most bytes, from 32 kB; what is not seen for longest is forgotten. */
  constructor(public limit: number) {}

  /** The keys that are known. */
  get count(): number {
    return this.#buckets.size;
  }

  /**
   * The bucket of a key, which is seen now.
   *
   * @returns Null where there can't be a place for it.
   */
  get(key: string, rate: number, now: number): Bucket | null {
    let bucket = this.#buckets.get(key);
    if (bucket !== undefined) {
      bucket.unlink();
    } else {
      bucket = new Bucket(copyOf(key));
      if (bucket.size > this.limit) return null;
      this.#forget(bucket.size, rate, now);
      this.#buckets.set(bucket.key, bucket);
      this.#size += bucket.size;
    }
    bucket.linkAfter(this.#ring);
    return bucket;
  }

  /** Makes room, and as nginx does it forgets one or two stale ones anyway. */
  #forget(needed: number, rate: number, now: number): void {
    const ring = this.#ring;
    for (let i = 0; ring.previous !== ring; i++) {
      const oldest = ring.previous;
      const fits = this.#size + needed <= this.limit;
      if (fits && (i >= 2 || !oldest.isStale(rate, now))) return;
      oldest.unlink();
      this.#buckets.delete(oldest.key);
      this.#size -= oldest.size;
    }
  }
}

/** V8 lets a part of a text keep the whole of it, perhaps a target of 64 kB. */
function copyOf(key: string): string {
  const codes: number[] = [];
  for (let i = 0; i < key.length; i++) codes.push(key.charCodeAt(i));
  return fromCodes(codes);
}
