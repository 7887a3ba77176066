/**
 * The last requests, for who looks at them now: nothing is recorded where nobody
 * does, and only so many at a time.
 *
 * @module
 */

/** Milliseconds for which requests are recorded after somebody has looked. */
const LEASE = 5_000;

/** Requests that are kept for the next look. */
const MOST = 100;

/** Name and value; secrets are masked. */
export type RecordedField = readonly [name: string, value: string];

/** A server that was asked. */
export interface RecordedAttempt {
  readonly address: string;
  /** 0 where none came. */
  readonly status: number;
  /** Milliseconds; null where nobody knows. */
  readonly took: number | null;
}

/** A request that has ended. Copied from thread to thread, and to the page. */
export interface Recording {
  readonly id: string;
  /** Milliseconds since 1970 at which it came. */
  readonly at: number;
  readonly method: string;
  /** `http` or `https`, as the client knows it. */
  readonly scheme: string;
  readonly target: string;
  readonly status: number;
  /** Milliseconds to the response's head, and to its end. */
  readonly start: number;
  readonly duration: number;
  readonly client: string;
  /** The location's key; `""` for none. */
  readonly location: string;
  readonly server: string;
  readonly attempts: readonly RecordedAttempt[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly received: {
    readonly target: string;
    readonly fields: readonly RecordedField[];
  };
  /** What the last server was sent; null for none. */
  readonly sent: Recording["received"] | null;
  /** What it answered; null for none. */
  readonly answered: readonly RecordedField[] | null;
  readonly delivered: readonly RecordedField[];
  /** The other locations, and why they did not take it. */
  readonly losers: readonly RecordedField[];
  /** What a browser will make of it that is hardly meant. */
  readonly verdicts: readonly string[];
}

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

/** The recordings of one thread. */
export class Recorder {
  /** Whether somebody looks. */
  on = false;
  #last: Recording[] = [];
  #missed = 0;
  /** Requests that are to be recorded since the last look. */
  #begun = 0;
  #messages: RecordedMessage[] = [];
  /** The same of messages. */
  #told = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Whether a request that begins is to be recorded: the first ones after a look
   * are, so that a proxy with many of them has little to do for it.
   */
  begins(): boolean {
    if (!this.on) return false;
    if (this.#begun >= MOST) {
      this.#missed++;
      return false;
    }
    this.#begun++;
    return true;
  }

  /** Keeps a request, in place of the oldest one where there are many. */
  add(recording: Recording): void {
    if (!this.on) return;
    if (this.#last.length >= MOST) {
      this.#last.shift();
      this.#missed++;
    }
    this.#last.push(recording);
  }

  /** As {@linkcode begins}, for a message that has come. */
  beginsMessage(): boolean {
    return this.on && this.#told++ < MOST;
  }

  /** Keeps a message, or a WebSocket's end, in place of the oldest one. */
  addMessage(message: RecordedMessage): void {
    if (!this.on) return;
    if (this.#messages.length >= MOST) this.#messages.shift();
    this.#messages.push(message);
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
    return taken;
  }

  /** Records no more, and forgets. */
  close(): void {
    clearTimeout(this.#timer);
    this.on = false;
    this.#forget();
  }

  #forget(): void {
    this.#begun = 0;
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
  const last = all.slice(-MOST);
  const missed = one.missed + other.missed + all.length - last.length;
  const messages = [...one.messages, ...other.messages]
    .toSorted((a, b) => a.at - b.at).slice(-MOST);
  return { last, missed, messages };
}
