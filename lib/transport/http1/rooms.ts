/**
 * Arrays that requests are written from.
 *
 * @module
 */

/** Bytes of a room: a head, and a small body with it. */
const ROOM_SIZE = 16 * 1024;

/** Rooms that are kept; a write seldom has to wait, and so holds one shortly. */
const MOST_KEPT = 16;

/** Rooms of one server. A new array for each request would cost 4 µs. */
export class Rooms {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? new Uint8Array(ROOM_SIZE);
  }

  /** Gives one back that nothing is written from any more. */
  give(room: Uint8Array<ArrayBuffer>): void {
    if (this.#free.length < MOST_KEPT) this.#free.push(room);
  }
}
