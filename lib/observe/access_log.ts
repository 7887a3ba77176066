/**
 * The access log: one line per request, two per WebSocket (opened, closed).
 *
 * @module
 */
import type { RequestContext } from "../config/template.ts";

/** What is known of a request when its response has been delivered, or failed to be. */
export interface RequestEntry {
  context: RequestContext;
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
  context: RequestContext;
  /** The close code as the client saw or sent it; 1006 for one that vanished. */
  code: number;
  /** Which side ended it. */
  by: "client" | "upstream" | "proxy";
  /** Milliseconds open. */
  duration: number;
  fromClient: Traffic;
  toClient: Traffic;
}

export interface AccessLog {
  request(entry: RequestEntry): void;
  webSocketOpened(context: RequestContext): void;
  webSocketClosed(entry: WebSocketEntry): void;
  /** Writes what is waiting; resolves when it is written. */
  flush(): Promise<void>;
}
