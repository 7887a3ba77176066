/**
 * The text of an access-log line.
 *
 * @module
 */
import {
  type BegunLine,
  escapeField,
  LogTemplate,
  seconds,
  timeLocal,
} from "../config/log_template.ts";
import type { RequestContext } from "../config/template.ts";
import { readable } from "../route/bytes.ts";

/** The fields of a request that the log has. */
export type LoggedRequest =
  & Pick<
    RequestContext,
    | "requestId"
    | "remoteAddr"
    | "remoteUser"
    | "method"
    | "host"
    | "requestUri"
    | "upstreamAddr"
    | "referer"
    | "userAgent"
  >
  & {
    /** Its line by the config's own format; null for the other formats. */
    readonly line: BegunLine | null;
  };

/** A request whose response was delivered, or failed. */
export interface RequestEntry {
  context: LoggedRequest;
  /** The status sent; 499 (as in nginx) if the client left before it. */
  status: number;
  /** Bytes of the body, null if unknown: a streamed body without a length. */
  bytes: number | null;
  /** Milliseconds from the request's arrival to the end of its response. */
  duration: number;
}

/** The traffic of a WebSocket in one direction. */
interface Traffic {
  messages: number;
  bytes: number;
}

/** The end of a WebSocket. */
export interface WebSocketEntry {
  context: LoggedRequest;
  /** The close code that the client saw or sent; 1006 if it vanished. */
  code: number;
  /** The side that closed it. */
  by: "client" | "upstream" | "proxy";
  /** Milliseconds that it was open. */
  duration: number;
  fromClient: Traffic;
  toClient: Traffic;
}

/** The content of a line. */
export type LogEvent =
  | { event: "request"; time: Date; entry: RequestEntry }
  | { event: "websocket_opened"; time: Date; context: LoggedRequest }
  | { event: "websocket_closed"; time: Date; entry: WebSocketEntry }
  /** A gap: the number of lines that were not written. */
  | { event: "lines_lost"; time: Date; count: number }
  /** A message that belongs on standard error, which can't be written. */
  | { event: "message"; time: Date; message: string };

/**
 * `combined` is the format of nginx and Apache, `json` an object per line; `off`
 * is no log; others are the config's own.
 */
export type LogFormat = "combined" | "json" | "off" | LogTemplate;

/** A line with its line feed; empty if the log is off. */
export function logLine(format: LogFormat, event: LogEvent): string {
  if (format instanceof LogTemplate) return ownLine(event);
  switch (format) {
    case "combined":
      return `${combinedLine(event)}\n`;
    case "json":
      return `${jsonLine(event)}\n`;
    case "off":
      return "";
  }
}

/**
 * A line of the config's own format: a WebSocket has one, at its end, as in
 * nginx. What such a format has no words for is said as by `combined`; so are
 * requests that have begun under another format.
 */
function ownLine(event: LogEvent): string {
  switch (event.event) {
    case "websocket_opened":
      return event.context.line === null ? `${combinedLine(event)}\n` : "";
    case "request": {
      const { context: { line }, bytes, duration } = event.entry;
      return `${line?.end({ bytes, duration }) ?? combinedLine(event)}\n`;
    }
    case "websocket_closed": {
      const { context: { line }, toClient: { bytes }, duration } = event.entry;
      return `${line?.end({ bytes, duration }) ?? combinedLine(event)}\n`;
    }
    default:
      return `${combinedLine(event)}\n`;
  }
}

/**
 * nginx's predefined format `combined`: `$remote_addr - $remote_user
 * [$time_local] "$request" $status $body_bytes_sent "$http_referer"
 * "$http_user_agent"`. A WebSocket's lines begin with the same fields. All other
 * lines begin with `#`. Deno does not tell the version of HTTP: it is always
 * written as 1.1. The times are UTC.
 */
function combinedLine(event: LogEvent): string {
  switch (event.event) {
    case "request": {
      const { context, status, bytes } = event.entry;
      return combined(context, event.time, status, bytes);
    }
    case "websocket_opened":
      return combined(event.context, event.time, 101, null) +
        " websocket opened";
    case "websocket_closed": {
      const { context, code, by, duration, fromClient, toClient } = event.entry;
      return combined(context, event.time, 101, toClient.bytes) +
        ` websocket closed ${code} by ${by} after ${seconds(duration)}s` +
        `, from client ${traffic(fromClient)}, to client ${traffic(toClient)}`;
    }
    case "lines_lost":
      return `# ${event.count} lines lost: the log was not read`;
    case "message":
      return `# ${event.message}`;
  }
}

/** A JSON object. Durations in seconds, sizes in bytes. */
function jsonLine(event: LogEvent): string {
  if (event.event === "lines_lost" || event.event === "message") {
    const { time, event: name, ...rest } = event;
    return JSON.stringify({ time: time.toISOString(), event: name, ...rest });
  }
  const context = event.event === "websocket_opened"
    ? event.context
    : event.entry.context;
  const line: Record<string, unknown> = {
    time: event.time.toISOString(),
    event: event.event,
    request_id: context.requestId,
    remote_addr: context.remoteAddr,
    remote_user: context.remoteUser === ""
      ? null
      : readable(context.remoteUser),
    method: context.method,
    host: context.host,
    request_uri: context.requestUri,
    upstream_addr: context.upstreamAddr || null,
    referer: context.referer,
    user_agent: context.userAgent,
  };
  if (event.event === "request") {
    line.status = event.entry.status;
    line.body_bytes_sent = event.entry.bytes;
    line.request_time = Number(seconds(event.entry.duration));
  }
  if (event.event === "websocket_closed") {
    const { code, by, duration, fromClient, toClient } = event.entry;
    line.close_code = code;
    line.closed_by = by;
    line.duration = Number(seconds(duration));
    line.from_client = fromClient;
    line.to_client = toClient;
  }
  return JSON.stringify(line);
}

function combined(
  context: LoggedRequest,
  time: Date,
  status: number,
  bytes: number | null,
): string {
  const { method, requestUri, remoteAddr, remoteUser } = context;
  const { referer, userAgent } = context;
  return `${remoteAddr} - ${userField(remoteUser)} ` +
    `[${timeLocal(time)}] ` +
    `"${escapeField(`${method} ${requestUri} HTTP/1.1`)}" ${status} ` +
    `${bytes ?? "-"} "${escapeField(referer ?? "-")}" ` +
    `"${escapeField(userAgent ?? "-")}"`;
}

/** @param user A byte string. */
function userField(user: string): string {
  return user === "" ? "-" : escapeField(readable(user));
}

function traffic({ messages, bytes }: Traffic): string {
  return `${messages} messages ${bytes} bytes`;
}
