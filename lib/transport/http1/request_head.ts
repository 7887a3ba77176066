/**
 * The head of a request, as it is written.
 *
 * @module
 */
import type { UpstreamRequest } from "../transport.ts";

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const COLON = 0x3a;
const DELETE = 0x7f;

const VERSION = " HTTP/1.1";

const LENGTH = "content-length";

/** The part of a request that its head is made of. */
type Headed = Pick<
  UpstreamRequest,
  "method" | "target" | "fields" | "body" | "upgrade"
>;

/**
 * Writes a head into `room`, or, where it does not fit, into an array of its own.
 *
 * The framing is this function's own: a server that takes another one than this
 * side would read a request in what is the body of another. (A client can have
 * its Content-Length dropped: it need only name it in `Connection`.)
 *
 * @param closes Whether to say that this is the connection's last request.
 * @returns The part that was written, its empty line included.
 * @throws {TypeError} for a character that would end a line or a part of it, a
 * length that is not the body's, or a transfer coding that is not this proxy's.
 */
export function encodeHead(
  request: Headed,
  closes: boolean,
  room: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const { method, target, fields } = request;
  const length = checkedLength(request);
  const framing = framingOf(request, closes, length);
  const first = method.length + 1 + target.length + VERSION.length + 2;
  let size = first + framing.length + 2;
  for (const [name, value] of fields) size += name.length + value.length + 4;
  const bytes = size <= room.length ? room : new Uint8Array(size);
  let at = putWord(method, bytes, 0);
  bytes[at++] = SPACE;
  at = putText(VERSION, bytes, putWord(target, bytes, at));
  at = putLineEnd(bytes, at);
  for (let i = 0; i < fields.length; i++) {
    const [name, value] = fields[i] as typeof fields[number];
    at = putWord(name, bytes, at);
    bytes[at++] = COLON;
    bytes[at++] = SPACE;
    at = putText(name === LENGTH ? length ?? value : value, bytes, at);
    at = putLineEnd(bytes, at);
  }
  for (let i = 0; i < framing.length; i++) bytes[at++] = framing.charCodeAt(i);
  return bytes.subarray(0, putLineEnd(bytes, at));
}

/**
 * The length as it is sent: without leading zeros, which not all read in the
 * same way.
 *
 * @returns Null where none of the fields is a length.
 * @throws {TypeError}
 */
function checkedLength({ fields, body }: Headed): string | null {
  const length = body === null ? 0 : body.length;
  let found: string | null = null;
  for (const [name, value] of fields) {
    if (name === "transfer-encoding") {
      throw new TypeError("a transfer coding that is not this proxy's");
    }
    if (name !== LENGTH) continue;
    if (
      found !== null || !/^\d+$/.test(value) || Number(value) !== length
    ) throw new TypeError("a length that is not the body's");
    found = String(length);
  }
  return found;
}

/** The lines that are this proxy's own, each with its line end. */
function framingOf(
  { body, upgrade }: Headed,
  closes: boolean,
  length: string | null,
): string {
  if (upgrade !== null) {
    return `upgrade: ${upgrade}\r\nconnection: Upgrade\r\n`;
  }
  const framing = body === null || length !== null
    ? ""
    : body.length === null
    ? "transfer-encoding: chunked\r\n"
    : `${LENGTH}: ${body.length}\r\n`;
  return closes ? `${framing}connection: close\r\n` : framing;
}

/** Puts what may have no space in it. @returns Where it ends. */
function putWord(text: string, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= SPACE || code === DELETE || code > 0xff) throw invalid(code);
    bytes[at++] = code;
  }
  return at;
}

/** Puts a byte string that may stand in a line. @returns Where it ends. */
function putText(text: string, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (
      code < SPACE && code !== TAB || code === DELETE || code > 0xff
    ) throw invalid(code);
    bytes[at++] = code;
  }
  return at;
}

function putLineEnd(bytes: Uint8Array, at: number): number {
  bytes[at++] = CR;
  bytes[at++] = LF;
  return at;
}

function invalid(code: number): TypeError {
  return new TypeError(`the character ${code} in the head of a request`);
}
