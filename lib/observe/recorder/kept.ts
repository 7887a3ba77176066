/**
 * Requests as they came, so that they can be sent again: with their secrets, and
 * therefore only in the memory of the thread that had them, only as long as
 * somebody looks, and only so many.
 *
 * @module
 */
import type { RecordedField, Recording } from "./recording.ts";

/** Requests that are kept: as many as the page lists. */
const MOST = 500;

/** Characters of all that are kept. */
const LARGEST = 4_000_000;

/** All of a request but its body, which is not kept. */
export interface RequestHead {
  readonly method: string;
  /** As `Deno.serve` has shown it, not normalised. */
  readonly url: string;
  readonly fields: readonly RecordedField[];
  /** The peer of the connection; `unix:` for that of a unix socket. */
  readonly peer: string;
  readonly peerPort: string;
  /** Of the listener. */
  readonly place: KeptPlace;
}

/** What tells listeners apart. */
export interface KeptPlace {
  readonly urlScheme: string;
  readonly fallbackHost: string;
  readonly serverPort: string;
}

/** A request, and what is shown of it. */
export interface Kept {
  readonly recording: Recording;
  readonly head: RequestHead;
}

/** Those of one thread. */
export class KeptRequests {
  #all: (Kept & { readonly size: number })[] = [];
  #size = 0;

  /** How many there are. */
  get count(): number {
    return this.#all.length;
  }

  /** Keeps one, in place of the oldest ones where there is no room. */
  add(recording: Recording, head: RequestHead): void {
    const size = sizeOf(recording, head);
    if (size > LARGEST) return;
    this.#all.push({ recording, head, size });
    this.#size += size;
    while (this.#all.length > MOST || this.#size > LARGEST) {
      this.#size -= this.#all.shift()?.size ?? 0;
    }
  }

  /**
   * The last one of an id: clients may choose the same for several.
   *
   * @param at When it came, as in its recording; null for any time.
   */
  find(id: string, at: number | null): Kept | null {
    return this.#all.findLast(({ recording }) =>
      recording.id === id && (at === null || recording.at === at)
    ) ?? null;
  }

  clear(): void {
    this.#all = [];
    this.#size = 0;
  }
}

/** In characters, roughly. */
function sizeOf(recording: Recording, head: RequestHead): number {
  const { received, sent, answered, delivered, losers } = recording;
  const lists = [
    ...[head.fields, received.fields, sent?.fields ?? []],
    ...[answered ?? [], delivered, losers],
  ];
  let size = 3 * head.url.length;
  for (const list of lists) {
    for (const [name, value] of list) size += name.length + value.length;
  }
  return size;
}
