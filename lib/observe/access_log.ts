/**
 * The access log: one line per request, two per WebSocket (opened, closed).
 *
 * @module
 */
import {
  type LogEvent,
  type LogFormat,
  type LoggedRequest,
  logLine,
  type RequestEntry,
  type WebSocketEntry,
} from "./access_line.ts";
import {
  type BegunLine,
  type LogContext,
  LogTemplate,
} from "../config/log_template.ts";
import { LineQueue } from "./log_output.ts";

export type { LoggedRequest, WebSocketEntry } from "./access_line.ts";

/**
 * A copy of only the logged fields: a whole context has some kilobytes.
 *
 * @param line Its line by the config's own format; null for the other formats.
 */
export function loggedRequest(
  context: Omit<LoggedRequest, "line">,
  line: BegunLine | null,
): LoggedRequest {
  const { requestId, remoteAddr, remoteUser, method, host } = context;
  const { requestUri, upstreamAddr, referer, userAgent } = context;
  return {
    requestId,
    remoteAddr,
    remoteUser,
    method,
    host,
    requestUri,
    upstreamAddr,
    referer,
    userAgent,
    line,
  };
}

export interface AccessLog {
  /**
   * Begins the line of a request where the format is the config's own, as long
   * as the request's fields can be read; else null.
   */
  begin(
    context: LogContext,
    response: Pick<Response, "status" | "headers">,
  ): BegunLine | null;
  /** Whether lines may tell of each server that was asked. */
  readonly needsAttempts: boolean;
  request(entry: RequestEntry): void;
  webSocketOpened(context: LoggedRequest): void;
  webSocketClosed(entry: WebSocketEntry): void;
  /** Writes what is waiting; resolves when it is written. */
  flush(): Promise<void>;
}

/** The maximum batching delay, in milliseconds: one write for many lines. */
const BATCHING_DELAY = 50;

/** Characters that wait for a reader that has stopped reading. */
const QUEUE_LIMIT = 8 * 1024 * 1024;

/** A log whose format can be changed. */
export interface FormattedLog extends AccessLog {
  /** The format of the lines from now on. */
  setFormat(format: LogFormat): void;
}

/**
 * Creates the log.
 *
 * @param write Writes a batch of lines. A rejection ends the log; the proxy goes
 * on without.
 */
export function createAccessLog(
  format: LogFormat,
  write: (bytes: Uint8Array) => Promise<void>,
): FormattedLog {
  return new LineLog(format, write);
}

class LineLog implements FormattedLog {
  #format: LogFormat;
  readonly #queue: LineQueue;

  constructor(
    format: LogFormat,
    write: (bytes: Uint8Array) => Promise<void>,
  ) {
    this.#format = format;
    this.#queue = new LineQueue(write, {
      limit: QUEUE_LIMIT,
      delay: BATCHING_DELAY,
      lostLines: (count) =>
        logLine(this.#format, { event: "lines_lost", time: new Date(), count }),
    });
  }

  setFormat(format: LogFormat) {
    this.#format = format;
  }

  begin(
    context: LogContext,
    response: Pick<Response, "status" | "headers">,
  ): BegunLine | null {
    return this.#format instanceof LogTemplate
      ? this.#format.begin(context, response)
      : null;
  }

  get needsAttempts(): boolean {
    return this.#format instanceof LogTemplate;
  }

  request(entry: RequestEntry) {
    if (this.#format === "off") return;
    this.#add({ event: "request", time: new Date(), entry });
  }

  webSocketOpened(context: LoggedRequest) {
    this.#add({ event: "websocket_opened", time: new Date(), context });
  }

  webSocketClosed(entry: WebSocketEntry) {
    this.#add({ event: "websocket_closed", time: new Date(), entry });
  }

  flush(): Promise<void> {
    return this.#queue.flush();
  }

  #add(event: LogEvent) {
    if (this.#format === "off") return;
    const line = logLine(this.#format, event);
    if (line !== "") this.#queue.add(line);
  }
}
