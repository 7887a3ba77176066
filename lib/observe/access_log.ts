/**
 * The access log: one line per request, two per WebSocket (opened, closed).
 *
 * @module
 */
import type { RequestContext } from "../config/template.ts";
import { combinedLine, jsonLine } from "./access_line.ts";

/** What the log tells of a request itself. */
export type LoggedRequest = Pick<
  RequestContext,
  | "requestId"
  | "remoteAddr"
  | "method"
  | "host"
  | "requestUri"
  | "upstreamAddr"
  | "referer"
  | "userAgent"
>;

/** Only that, for those who keep it: the rest of a context is some kilobytes. */
export function loggedRequest(context: LoggedRequest): LoggedRequest {
  const { requestId, remoteAddr, method, host } = context;
  const { requestUri, upstreamAddr, referer, userAgent } = context;
  return {
    requestId,
    remoteAddr,
    method,
    host,
    requestUri,
    upstreamAddr,
    referer,
    userAgent,
  };
}

/** What is known of a request when its response was delivered, or failed to be. */
interface RequestEntry {
  context: LoggedRequest;
  /** The status sent; 499 (nginx's) for a client that left before it. */
  status: number;
  /** Bytes of body sent, null where only the platform knows (a streamed body without a length). */
  bytes: number | null;
  /** Milliseconds from the request's arrival to the end of its response. */
  duration: number;
}

/** One direction of a bridge. */
export interface Traffic {
  messages: number;
  bytes: number;
}

/** The end of a WebSocket. */
export interface WebSocketEntry {
  context: LoggedRequest;
  /** The close code as the client saw or sent it; 1006 for one that vanished. */
  code: number;
  /** Which side ended it. */
  by: "client" | "upstream" | "proxy";
  /** Milliseconds open. */
  duration: number;
  fromClient: Traffic;
  toClient: Traffic;
}

/** Everything a line is made of. */
export type LogEvent =
  | { event: "request"; time: Date; entry: RequestEntry }
  | { event: "websocket_opened"; time: Date; context: LoggedRequest }
  | { event: "websocket_closed"; time: Date; entry: WebSocketEntry };

export interface AccessLog {
  request(entry: RequestEntry): void;
  webSocketOpened(context: LoggedRequest): void;
  webSocketClosed(entry: WebSocketEntry): void;
  /** Writes what is waiting; resolves when it is written. */
  flush(): Promise<void>;
}

/** How long a line may wait for company, in milliseconds: one write for many lines. */
const GATHER_MS = 50;

/** Characters that may wait for a reader of the log that has stopped reading. */
const BACKLOG_LIMIT = 8 * 1024 * 1024;

/** `combined` is nginx's and Apache's format, `json` one object a line; `off` writes nothing. */
type LogFormat = "combined" | "json" | "off";

/** A log whose format can be changed. */
export interface FormattedLog extends AccessLog {
  /** Of the lines from now on. */
  setFormat(format: LogFormat): void;
}

const LINES = { combined: combinedLine, json: jsonLine, off: null };

/**
 * Makes the log.
 *
 * @param write Takes a batch of lines. A rejection ends the log: the proxy goes
 * on without it.
 */
export function createAccessLog(
  format: LogFormat,
  write: (bytes: Uint8Array) => Promise<void>,
): FormattedLog {
  return new LineLog(format, write);
}

class LineLog implements FormattedLog {
  #waiting = "";
  #dropped = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #broken = false;
  readonly #encoder = new TextEncoder();
  #line: ((event: LogEvent) => string) | null;
  readonly #write: (bytes: Uint8Array) => Promise<void>;

  constructor(
    format: LogFormat,
    write: (bytes: Uint8Array) => Promise<void>,
  ) {
    this.#line = LINES[format];
    this.#write = write;
  }

  setFormat(format: LogFormat) {
    this.#line = LINES[format];
  }

  request(entry: RequestEntry) {
    if (this.#line === null) return;
    this.#add({ event: "request", time: new Date(), entry });
  }

  webSocketOpened(context: LoggedRequest) {
    this.#add({ event: "websocket_opened", time: new Date(), context });
  }

  webSocketClosed(entry: WebSocketEntry) {
    this.#add({ event: "websocket_closed", time: new Date(), entry });
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    await this.#drain();
  }

  #add(event: LogEvent) {
    if (this.#broken || this.#line === null) return;
    // A reader that has stopped (a full pipe) must not fill the memory.
    if (this.#waiting.length > BACKLOG_LIMIT) {
      this.#dropped++;
      return;
    }
    this.#waiting += this.#line(event) + "\n";
    if (this.#timer === undefined && this.#writing === undefined) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#writing = this.#drain().finally(() => this.#writing = undefined);
      }, GATHER_MS);
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting !== "" && !this.#broken) {
      let lines = this.#waiting;
      this.#waiting = "";
      if (this.#dropped > 0) {
        lines += `# ${this.#dropped} lines lost: the log was not read\n`;
        this.#dropped = 0;
      }
      try {
        await this.#write(this.#encoder.encode(lines));
      } catch {
        this.#broken = true;
      }
    }
  }
}
