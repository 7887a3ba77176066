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
  readonly text: string;
  readonly read: ResponseHead;
}

/**
 * What one server has sent before: its last heads, and its lines. Of a server
 * under load many heads are the same to the byte, since `Date` knows only seconds.
 */
export class KnownHeads {
  readonly #lines = new KnownLines();
  readonly #last: KnownHead[] = [];
  /** Where the next one is kept. */
  #next = 0;

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
    for (const known of this.#last) {
      if (known.text === text) return known.read;
    }
    const read = parseHead(text, method, this.#lines);
    if (text.length <= LARGEST) {
      this.#last[this.#next] = { text, read };
      this.#next = (this.#next + 1) % MOST;
    }
    return read;
  }
}
