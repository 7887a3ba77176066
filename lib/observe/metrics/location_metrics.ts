/**
 * What is counted of the requests and WebSockets of one location.
 *
 * @module
 */
import {
  addHistograms,
  Histogram,
  type HistogramSnapshot,
} from "./histogram.ts";

/** The methods that are told apart; all others, which clients may invent, are one. */
export const METHODS = [
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
  "other",
] as const;

/** The first digits of a status. */
export const STATUS_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** Close codes that are told apart: those of RFC 6455 section 7.4.1 and its registry. */
export const CLOSE_CODES = [
  ...["1000", "1001", "1002", "1003", "1005", "1006", "1007", "1008"],
  ...["1009", "1010", "1011", "1012", "1013", "1014", "1015", "3xxx", "4xxx"],
] as const;

const METHOD_INDEX: ReadonlyMap<string, number> = new Map(
  METHODS.map((method, at) => [method, at]),
);
const OTHER = METHODS.length - 1;

const CODE_INDEX: ReadonlyMap<string, number> = new Map(
  CLOSE_CODES.map((code, at) => [code, at]),
);
const ABNORMAL = CODE_INDEX.get("1006") ?? 0;

/** Messages in one direction. */
export interface Traffic {
  messages: number;
  /** Of their payloads. */
  bytes: number;
}

/** The counters of a location; copied from thread to thread. */
export interface LocationSnapshot {
  /** The name of its server, `""` for none. */
  readonly server: string;
  /** Its key in the config, `""` for requests that no location takes. */
  readonly location: string;
  /** By method, then by class of the status. */
  readonly requests: readonly number[];
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** To the head of the response. */
  readonly start: HistogramSnapshot;
  /** To its end. */
  readonly duration: HistogramSnapshot;
  readonly webSockets: WebSocketSnapshot;
}

/** The counters of a location's WebSockets. */
export interface WebSocketSnapshot {
  readonly opened: number;
  /** By close code. */
  readonly closed: readonly number[];
  readonly fromClient: Readonly<Traffic>;
  readonly toClient: Readonly<Traffic>;
  /** How often an upstream had to wait for a slow client. */
  readonly waits: number;
}

/** Counts what becomes of the WebSockets of a location. */
export class WebSocketMetrics {
  opened = 0;
  readonly closed: number[] = new Array(CLOSE_CODES.length).fill(0);
  readonly fromClient: Traffic = { messages: 0, bytes: 0 };
  readonly toClient: Traffic = { messages: 0, bytes: 0 };
  waits = 0;

  /** @param code The close code that the client saw or sent; 1006 if it vanished. */
  ended(code: number): void {
    const name = code >= 3000 ? `${Math.floor(code / 1000)}xxx` : `${code}`;
    const at = CODE_INDEX.get(name) ?? ABNORMAL;
    this.closed[at] = (this.closed[at] ?? 0) + 1;
  }

  /** How many are open. */
  get open(): number {
    return this.opened - this.closed.reduce((sum, count) => sum + count, 0);
  }
}

/** What became of a request. */
export interface RequestOutcome {
  readonly method: string;
  /** 499 if the client left before the response. */
  readonly status: number;
  /** Bytes of the request's body. */
  readonly received: number;
  /** Bytes of the response's body. */
  readonly sent: number;
  /** Milliseconds to the head of the response. */
  readonly start: number;
  /** Milliseconds to its end. */
  readonly duration: number;
}

/** Counts what becomes of the requests of a location. */
export class LocationMetrics {
  readonly webSockets = new WebSocketMetrics();
  readonly #requests: number[] = new Array(
    METHODS.length * STATUS_CLASSES.length,
  ).fill(0);
  readonly #start = new Histogram();
  readonly #duration = new Histogram();
  #requestBytes = 0;
  #responseBytes = 0;

  constructor(readonly server: string, readonly location: string) {}

  request(outcome: RequestOutcome): void {
    const { method, status, received, sent, start, duration } = outcome;
    const row = METHOD_INDEX.get(method) ?? OTHER;
    const at = row * STATUS_CLASSES.length + Math.floor(status / 100) - 1;
    this.#requests[at] = (this.#requests[at] ?? 0) + 1;
    this.#requestBytes += received;
    this.#responseBytes += sent;
    this.#start.observe(start);
    this.#duration.observe(duration);
  }

  snapshot(): LocationSnapshot {
    const { server, location, webSockets } = this;
    const { opened, closed, fromClient, toClient, waits } = webSockets;
    return {
      server,
      location,
      requests: [...this.#requests],
      requestBytes: this.#requestBytes,
      responseBytes: this.#responseBytes,
      start: this.#start.snapshot(),
      duration: this.#duration.snapshot(),
      webSockets: {
        opened,
        closed: [...closed],
        fromClient: { ...fromClient },
        toClient: { ...toClient },
        waits,
      },
    };
  }
}

/** What two threads have counted of the same location. */
export function addLocations(
  a: LocationSnapshot,
  b: LocationSnapshot,
): LocationSnapshot {
  return {
    server: a.server,
    location: a.location,
    requests: addEach(a.requests, b.requests),
    requestBytes: a.requestBytes + b.requestBytes,
    responseBytes: a.responseBytes + b.responseBytes,
    start: addHistograms(a.start, b.start),
    duration: addHistograms(a.duration, b.duration),
    webSockets: {
      opened: a.webSockets.opened + b.webSockets.opened,
      closed: addEach(a.webSockets.closed, b.webSockets.closed),
      fromClient: addTraffic(a.webSockets.fromClient, b.webSockets.fromClient),
      toClient: addTraffic(a.webSockets.toClient, b.webSockets.toClient),
      waits: a.webSockets.waits + b.webSockets.waits,
    },
  };
}

/** The sums of two rows of counters of the same length. */
export function addEach(
  a: readonly number[],
  b: readonly number[],
): readonly number[] {
  return a.map((count, at) => count + (b[at] ?? 0));
}

function addTraffic(a: Traffic, b: Traffic): Traffic {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes };
}
