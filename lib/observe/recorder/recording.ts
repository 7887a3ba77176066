/**
 * What is shown of a request that has ended.
 *
 * @module
 */

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
  /** The peer of the connection: the client, or a proxy before this one. */
  readonly peer: string;
  /** That it came to; `""` for a unix socket. */
  readonly port: string;
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
  /** Why it can't be sent again; null where it can. */
  readonly noReplay: string | null;
  /** The id of the request that it repeats; null for one of a client. */
  readonly replayOf: string | null;
}
