/**
 * The words of one access-log line.
 *
 * @module
 */
import type { LogEvent, LoggedRequest, Traffic } from "./access_log.ts";

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/**
 * nginx's predefined format `combined`: `$remote_addr - $remote_user
 * [$time_local] "$request" $status $body_bytes_sent "$http_referer"
 * "$http_user_agent"`. A WebSocket's lines have the same fields, the closing
 * one then says how it ended. Deno does not tell the version of HTTP, so it is
 * always written as 1.1; the times are UTC.
 */
export function combinedLine(event: LogEvent): string {
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
  }
}

/** One JSON object a line. Durations in seconds, sizes in bytes. */
export function jsonLine(event: LogEvent): string {
  const context = event.event === "websocket_opened"
    ? event.context
    : event.entry.context;
  const line: Record<string, unknown> = {
    time: event.time.toISOString(),
    event: event.event,
    request_id: context.requestId,
    remote_addr: context.remoteAddr,
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
  const { method, requestUri, remoteAddr, referer, userAgent } = context;
  return `${remoteAddr} - - [${timeLocal(time)}] ` +
    `"${escapeField(`${method} ${requestUri} HTTP/1.1`)}" ${status} ` +
    `${bytes ?? "-"} "${escapeField(referer ?? "-")}" ` +
    `"${escapeField(userAgent ?? "-")}"`;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}

function traffic({ messages, bytes }: Traffic): string {
  return `${messages} messages ${bytes} bytes`;
}

/** `24/Nov/2026:00:00:05 +0000`, nginx's `$time_local`. */
function timeLocal(time: Date): string {
  const two = (value: number) => value < 10 ? `0${value}` : `${value}`;
  return `${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/` +
    `${time.getUTCFullYear()}:${two(time.getUTCHours())}:` +
    `${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
}

/** Whether a field can stand between quotes as it is. */
function isPlain(field: string): boolean {
  for (let i = 0; i < field.length; i++) {
    const c = field.charCodeAt(i);
    if (c < 0x20 || c === 0x22 || c === 0x5c || c > 0x7e) return false;
  }
  return true;
}

/**
 * nginx's default escaping of log fields: `"`, `\` and everything outside
 * printable ASCII as `\xXX`, so that no client can forge a line.
 */
export function escapeField(field: string): string {
  if (isPlain(field)) return field;
  let escaped = "";
  for (const byte of new TextEncoder().encode(field)) {
    escaped += byte < 0x20 || byte === 0x22 || byte === 0x5c || byte > 0x7e
      ? "\\x" + byte.toString(16).toUpperCase().padStart(2, "0")
      : String.fromCharCode(byte);
  }
  return escaped;
}
