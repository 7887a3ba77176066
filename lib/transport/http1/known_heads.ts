/**
 * Response heads that are read once where they come again and again.
 *
 * @module
 */
import { KnownLines } from "./known_lines.ts";
import { parseHead, type ResponseHead } from "./response_head.ts";

/** Heads that are kept, and the largest one, in bytes. */
const MOST = 32;
const LARGEST = 8 * 1024;

/** A head that came before. */
interface KnownHead {
  /** A byte string, its empty line included. */
  readonly text: string;
  readonly read: ResponseHead;
}

const decoder = new TextDecoder();

/**
 * What one server has sent before: its last heads, and its lines. Of a server
 * under load many heads are the same to the byte, since `Date` knows only seconds.
 */
export class KnownHeads {
  readonly #lines = new KnownLines();
  readonly #last: KnownHead[] = [];
  /** Where the next one is kept. */
  #next = 0;
  /** The length of the one that came again last; 0 where none did. */
  #likely = 0;

  /**
   * The head that is at `from`, if it came before and is as long as the last
   * one that did: its end need not be looked for, which takes longer than this.
   *
   * @param to Where the bytes that have come end.
   * @param method Of the request.
   * @returns Null where it has to be read, or has not come whole.
   */
  again(
    bytes: Uint8Array,
    from: number,
    to: number,
    method: string,
  ): KnownHead | null {
    const length = this.#likely;
    if (length === 0 || length > to - from || method === "HEAD") return null;
    // With a byte that is not ASCII there are fewer characters, or others than in
    // a byte string: it is equal to none that is kept.
    const text = decoder.decode(bytes.subarray(from, from + length));
    const known = this.#find(text);
    if (known === null) this.#likely = 0;
    return known;
  }

  /**
   * Reads a head. What it returns may be had by other responses too.
   *
   * @param text A byte string, its empty line included.
   * @param method Of the request.
   * @throws {HeadError}
   */
  read(text: string, method: string): ResponseHead {
    // A response to HEAD is framed in another way than the same one to GET.
    if (method === "HEAD") return parseHead(text, method, this.#lines);
    const known = this.#find(text);
    if (known !== null) {
      this.#likely = text.length;
      return known.read;
    }
    const read = parseHead(text, method, this.#lines);
    if (text.length <= LARGEST) {
      this.#last[this.#next] = { text, read };
      this.#next = (this.#next + 1) % MOST;
    }
    return read;
  }

  #find(text: string): KnownHead | null {
    for (const known of this.#last) {
      if (known.text === text) return known;
    }
    return null;
  }
}
