/**
 * The last requests, for who looks at them now: nothing is recorded where nobody
 * does, and only so many at a time.
 *
 * @module
 */
import { KeptRequests, type RequestHead } from "./kept.ts";
import type { Recording } from "./recording.ts";

/** Milliseconds for which requests are recorded after somebody has looked. */
const LEASE = 5_000;

/**
 * Requests that are recorded between two looks: of many all the time so few that
 * it costs little, and at once all that a page may need when it is opened.
 */
const STEADY = 50;
const BURST = 500;

/** Messages that are kept between two looks. */
const MOST_MESSAGES = 50;

/** A message of a WebSocket, or its end. */
export interface RecordedMessage {
  /** Of the request that opened the WebSocket. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly location: string;
  readonly from: "client" | "upstream";
  /** In bytes; null for the end. */
  readonly size: number | null;
  /** In words, without what it carries. */
  readonly what: string;
}

/** What was recorded between two looks. */
export interface Recorded {
  /** The last ones, in the order in which they ended. */
  readonly last: readonly Recording[];
  /** How many more there were. */
  readonly missed: number;
  readonly messages: readonly RecordedMessage[];
}

/** A request that is sent again. */
interface Replay {
  /** The id of the one that it repeats. */
  readonly of: string;
  done(recording: Recording | null): void;
}

/** The recordings of one thread. */
export class Recorder {
  /** Whether somebody looks. */
  on = false;
  #last: Recording[] = [];
  #missed = 0;
  /** How many more may be recorded before the next look. */
  #allowance = STEADY;
  #messages: RecordedMessage[] = [];
  /** Messages that were looked into since the last look. */
  #told = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** With their secrets, to send them again; as long as somebody looks. */
  readonly kept = new KeptRequests();
  /** Those that are sent again now: not by their ids, which upstreams may reuse. */
  readonly #replays = new Map<object, Replay>();

  /**
   * Whether a request that begins is to be recorded: the first ones after a look
   * are, so that a proxy with many of them has little to do for it, more of them
   * after seconds with few; and each that is sent again.
   */
  begins(request: object): boolean {
    if (!this.on) return false;
    if (this.#replays.has(request)) return true;
    if (this.#allowance === 0) {
      this.#missed++;
      return false;
    }
    this.#allowance--;
    return true;
  }

  /**
   * Keeps a request, in place of the oldest one where there are many.
   *
   * @param request As {@linkcode begins} was given it.
   */
  add(ended: Recording, head: RequestHead, request: object): void {
    if (!this.on) return;
    const replay = this.#replays.get(request);
    const recording = replay === undefined
      ? ended
      : { ...ended, replayOf: replay.of };
    this.kept.add(recording, head);
    replay?.done(recording);
    if (this.#last.length >= BURST) {
      this.#last.shift();
      this.#missed++;
    }
    this.#last.push(recording);
  }

  /** As {@linkcode begins}, for a message that has come. */
  beginsMessage(): boolean {
    return this.on && this.#told++ < MOST_MESSAGES;
  }

  /** Keeps a message, or a WebSocket's end, in place of the oldest one. */
  addMessage(message: RecordedMessage): void {
    if (!this.on) return;
    if (this.#messages.length >= MOST_MESSAGES) this.#messages.shift();
    this.#messages.push(message);
  }

  /**
   * This request is about to be sent again. Resolves with what is recorded
   * of it; with null if nobody looks any more, or it is given up.
   *
   * @param of The id of the one that it repeats.
   */
  expect(request: object, of: string): Promise<Recording | null> {
    const { promise, resolve } = Promise.withResolvers<Recording | null>();
    const done = (recording: Recording | null) => {
      this.#replays.delete(request);
      resolve(recording);
    };
    if (this.on) this.#replays.set(request, { of, done });
    else resolve(null);
    return promise;
  }

  /** It did not come to an end that is recorded. */
  giveUp(request: object): void {
    this.#replays.get(request)?.done(null);
  }

  /** What was recorded since the last call. Recording goes on for a while. */
  take(): Recorded {
    this.on = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), LEASE);
    const taken = {
      last: this.#last,
      missed: this.#missed,
      messages: this.#messages,
    };
    this.#forget();
    this.#allowance = Math.min(BURST, this.#allowance + STEADY);
    return taken;
  }

  /** Records no more, and forgets. */
  close(): void {
    clearTimeout(this.#timer);
    this.on = false;
    this.#forget();
    this.#allowance = STEADY;
    this.kept.clear();
    for (const { done } of [...this.#replays.values()]) done(null);
  }

  #forget(): void {
    this.#last = [];
    this.#missed = 0;
    this.#messages = [];
    this.#told = 0;
  }
}

/** What several threads have recorded. */
export function addRecorded(one: Recorded, other: Recorded): Recorded {
  const all = [...one.last, ...other.last]
    .toSorted((a, b) => a.at + a.duration - b.at - b.duration);
  const last = all.slice(-BURST);
  const missed = one.missed + other.missed + all.length - last.length;
  const messages = [...one.messages, ...other.messages]
    .toSorted((a, b) => a.at - b.at).slice(-MOST_MESSAGES);
  return { last, missed, messages };
}
