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
import { LineQueue } from "./log_output.ts";

export type { LoggedRequest, WebSocketEntry } from "./access_line.ts";

/** A copy of only the logged fields: a whole context has some kilobytes. */
export function loggedRequest(context: LoggedRequest): LoggedRequest {
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
  };
}

export interface AccessLog {
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
    if (this.#format !== "off") this.#queue.add(logLine(this.#format, event));
  }
}
