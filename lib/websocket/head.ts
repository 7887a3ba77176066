/**
 * The two heads of a WebSocket handshake with an upstream: the request's, as it
 * is written, and the response's, as it is read (RFC 6455 section 4, RFC 9112).
 *
 * @module
 */
import { HeadError } from "../transport/errors.ts";

/** The largest response head taken, in bytes. */
export const HEAD_LIMIT = 64 * 1024;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 section 5.5, one character for each byte. */
// deno-lint-ignore no-control-regex -- they are what it must not hold.
const FIELD_VALUE = /^[^\x00-\x08\x0a-\x1f\x7f\u0100-\uffff]*$/;
/** A target that can't end the request line early. */
// deno-lint-ignore no-control-regex -- they are what it must not hold.
const TARGET = /^\/[^\x00-\x20\x7f\u0100-\uffff]*$/;
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: (.*))?$/;
/** How every answer begins, so that something else is seen at its first bytes. */
const PREFIX = "HTTP/1.";

/** The head of a response. Header names are in lower case. */
export interface ResponseHead {
  status: number;
  statusText: string;
  headers: [name: string, value: string][];
}

/**
 * The bytes of a handshake's request.
 *
 * @param headers As they are to be sent, `host` among them, none of the
 * handshake's own.
 * @param key 16 random bytes in base64 (RFC 6455 section 4.1).
 * @param protocols The value of `Sec-WebSocket-Protocol`, null for none.
 * @throws {TypeError} for a character that may not stand in a head.
 */
export function requestHead(
  target: string,
  headers: readonly (readonly [name: string, value: string])[],
  key: string,
  protocols: string | null,
): Uint8Array {
  if (!TARGET.test(target)) throw new TypeError("invalid request target");
  const handshake: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", key],
  ];
  if (protocols !== null) handshake.push(["Sec-WebSocket-Protocol", protocols]);
  let head = `GET ${target} HTTP/1.1\r\n`;
  for (const [name, value] of [...headers, ...handshake]) {
    if (!TOKEN.test(name)) throw new TypeError("invalid header name");
    if (!FIELD_VALUE.test(value)) {
      throw new TypeError(`invalid value of header ${name}`);
    }
    head += `${name}: ${value}\r\n`;
  }
  head += "\r\n";
  // Header values are byte strings: one character for each byte.
  const bytes = new Uint8Array(head.length);
  for (let i = 0; i < head.length; i++) bytes[i] = head.charCodeAt(i);
  return bytes;
}

/** The `Sec-WebSocket-Accept` that answers a key (RFC 6455 section 4.2.2). */
export async function acceptOf(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(
    key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
  );
  return new Uint8Array(await crypto.subtle.digest("SHA-1", bytes)).toBase64();
}

/** What a head is read from. */
export interface Source {
  read(into: Uint8Array): Promise<number | null>;
}

/**
 * Reads the head of the final response; interim ones (RFC 9110 section 15.2)
 * but 101 are skipped.
 *
 * @returns The head, and the bytes behind it; null if the connection was closed
 * before the end of it.
 * @throws {HeadError} for what is no response, or longer than 64 KiB.
 */
export async function readHead(
  source: Source,
): Promise<{ head: ResponseHead; rest: Uint8Array } | null> {
  let buffer = new Uint8Array(4 * 1024);
  let length = 0;
  let searched = 0;
  while (true) {
    const end = endOfHead(buffer, searched, length);
    if (end !== -1) {
      const head = parseHead(latin1(buffer.subarray(0, end - 4)));
      const rest = buffer.subarray(end, length);
      if (head.status >= 200 || head.status === 101) return { head, rest };
      buffer.copyWithin(0, end, length);
      length -= end;
      searched = 0;
      continue;
    }
    if (!PREFIX.startsWith(latin1(buffer.subarray(0, Math.min(length, 7))))) {
      throw new HeadError("not an HTTP response");
    }
    searched = Math.max(0, length - 3);
    if (length === HEAD_LIMIT) throw new HeadError("head too large");
    if (length === buffer.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(buffer);
      buffer = larger;
    }
    const count = await source.read(buffer.subarray(length));
    if (count === null) return null;
    length += count;
  }
}

/** Where the empty line ends, -1 if it has not come. */
function endOfHead(bytes: Uint8Array, from: number, to: number): number {
  for (let at = bytes.indexOf(13, from); at !== -1 && at + 4 <= to;) {
    if (bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) {
      return at + 4;
    }
    at = bytes.indexOf(13, at + 1);
  }
  return -1;
}

function parseHead(text: string): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, status, statusText = ""] = STATUS_LINE.exec(first) ?? [];
  if (status === undefined || !FIELD_VALUE.test(statusText)) {
    throw new HeadError("invalid status line");
  }
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    // A folded line has no name; a space before the colon is none's part
    // (RFC 9112 sections 5.1 and 5.2).
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    if (!TOKEN.test(name) || !FIELD_VALUE.test(value)) {
      throw new HeadError("invalid header line");
    }
    return [name.toLowerCase(), value];
  });
  return { status: Number(status), statusText, headers };
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return text;
}

/** The values of a header, one for each line. */
export function valuesOf(head: ResponseHead, name: string): string[] {
  return head.headers.filter(([n]) => n === name).map(([, value]) => value);
}

/** The tokens of a comma-separated header, as they are written. */
export function tokensOf(head: ResponseHead, name: string): string[] {
  return valuesOf(head, name).join(",").split(",")
    .map((token) => token.trim()).filter((token) => token !== "");
}
