/**
 * The head of a response, read strictly (RFC 9112): what is ambiguous here could
 * make one response of two, or two of one.
 *
 * @module
 */
import type { Field } from "../../exchange/fields.ts";
import {
  hasToken,
  HOP_BY_HOP,
  namedInConnection,
} from "../../exchange/headers.ts";
import { HeadError } from "../errors.ts";

/** The largest head taken, in bytes. */
export const HEAD_LIMIT = 256 * 1024;

/** Names that are kept once they have been checked; servers use a few dozen. */
const NAMES_KEPT = 1_000;

const CR = 0x0d;
const LF = 0x0a;

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What a head may not hold beside its line ends (RFC 9110 section 5.5). */
// deno-lint-ignore no-control-regex -- they are what it must not hold.
const INVALID = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
/** `HTTP/1.1 200`, with or without a reason phrase. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;

/** How the body that follows a head is framed (RFC 9112 section 6.3). */
export type Framing =
  /** There is none. */
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** It ends with the connection. */
  | { readonly kind: "close" };

/** The head of a response. */
export interface ResponseHead {
  /** 100 to 999. */
  readonly status: number;
  readonly statusText: string;
  /** The end-to-end fields, in their order and number. */
  readonly fields: Field[];
  readonly framing: Framing;
  /** Whether the connection may be used again after the body. */
  readonly keepAlive: boolean;
  /** The protocol that the connection changes to; null where it does not. */
  readonly upgrade: string | null;
}

const NONE: Framing = { kind: "none" };
const CHUNKED: Framing = { kind: "chunked" };
const CLOSE: Framing = { kind: "close" };

/** The names of the fields that a server sends, in lower case: each is checked once. */
export class FieldNames {
  readonly #known = new Map<string, string>();

  /** @throws {HeadError} for what is no name, a space before the colon included. */
  lowerCase(written: string): string {
    let name = this.#known.get(written);
    if (name === undefined) {
      if (!TOKEN.test(written)) throw new HeadError("an invalid field name");
      name = written.toLowerCase();
      if (this.#known.size < NAMES_KEPT) this.#known.set(written, name);
    }
    return name;
  }
}

/**
 * Where the empty line of a head ends, -1 if it has not come.
 *
 * @param from Where to look for it; what lies before has been looked at.
 */
export function endOfHead(
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
  for (let at = from; at < to; at++) {
    if (bytes[at] !== LF) continue;
    // A line feed alone ends a line too (RFC 9112 section 2.2), as in nginx.
    if (bytes[at + 1] === LF && at + 1 < to) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF && at + 2 < to) {
      return at + 3;
    }
  }
  return -1;
}

/** How every response begins, so that something else is seen at its first bytes. */
const BEGINNING = "HTTP/1.";

/** Whether these bytes may be the beginning of a head. */
export function mayBeHead(
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean {
  const most = Math.min(to - from, BEGINNING.length);
  for (let i = 0; i < most; i++) {
    if (bytes[from + i] !== BEGINNING.charCodeAt(i)) return false;
  }
  return true;
}

/**
 * Reads a head.
 *
 * @param text A byte string, its empty line included.
 * @param method Of the request: a response to HEAD has no body.
 * @throws {HeadError} for what is no head, or could be read in two ways.
 */
export function parseHead(
  text: string,
  method: string,
  names: FieldNames,
): ResponseHead {
  if (INVALID.test(text)) throw new HeadError("a control character");
  let at = text.indexOf("\n") + 1;
  const [, minor, digits, statusText = ""] =
    STATUS_LINE.exec(lineBefore(text, 0, at)) ?? [];
  if (digits === undefined) throw new HeadError(null);
  const status = Number(digits);
  const fields: Field[] = [];
  let connection: string | null = null;
  let length: string | null = null;
  let coding: string | null = null;
  let upgrade: string | null = null;
  while (at < text.length) {
    const end = text.indexOf("\n", at) + 1;
    const line = lineBefore(text, at, end);
    at = end;
    if (line === "") break;
    // A folded line has no name; a space before the colon belongs to none
    // (RFC 9112 sections 5.1 and 5.2).
    const colon = line.indexOf(":");
    const name = names.lowerCase(line.slice(0, Math.max(colon, 0)));
    const value = trimmed(line, colon + 1);
    switch (name) {
      case "connection":
        connection = joined(connection, value);
        continue;
      case "transfer-encoding":
        coding = joined(coding, value);
        continue;
      case "upgrade":
        upgrade = joined(upgrade, value);
        continue;
      case "content-length":
        // Several that agree are one (RFC 9110 section 8.6).
        if (length !== null) {
          if (length !== value) throw new HeadError("two lengths");
          continue;
        }
        length = value;
        break;
      default:
        if (HOP_BY_HOP.has(name)) continue;
    }
    fields.push([name, value]);
  }
  const named = namedInConnection(connection);
  const framing = framingOf(method, status, length, coding, minor === "1");
  return {
    status,
    statusText,
    fields: endToEnd(fields, named, coding !== null),
    framing,
    keepAlive: framing.kind !== "close" &&
      // A server that gives both may mean either: no second request on it.
      (coding === null || length === null) &&
      (minor === "1"
        ? !hasToken(connection, "close")
        : hasToken(connection, "keep-alive")),
    upgrade: hasToken(connection, "upgrade") ? upgrade : null,
  };
}

/** RFC 9112 section 6.3. */
function framingOf(
  method: string,
  status: number,
  length: string | null,
  coding: string | null,
  isHttp11: boolean,
): Framing {
  if (coding !== null) {
    // Nothing but chunked was asked for. In HTTP/1.0 there is none (section
    // 6.1): such a message can't be trusted.
    if (coding.toLowerCase() !== "chunked" || !isHttp11) {
      throw new HeadError(`transfer coding ${coding}`);
    }
  } else if (length !== null && !/^\d{1,15}$/.test(length)) {
    throw new HeadError("an invalid length");
  }
  if (
    method === "HEAD" || status < 200 || status === 204 || status === 304
  ) return NONE;
  if (coding !== null) return CHUNKED;
  if (length === null) return CLOSE;
  return length === "0" ? NONE : { kind: "length", length: Number(length) };
}

/**
 * Without what `Connection` names, and without the length where a transfer
 * coding overrides it: the client must not take it for the length of the body.
 */
function endToEnd(
  fields: Field[],
  named: ReadonlySet<string> | null,
  isCoded: boolean,
): Field[] {
  if (named === null && !isCoded) return fields;
  return fields.filter(([name]) =>
    !named?.has(name) && !(isCoded && name === "content-length")
  );
}

/** The line that ends before `end`, without its line end. */
function lineBefore(text: string, start: number, end: number): string {
  const last = text.charCodeAt(end - 2) === CR ? end - 2 : end - 1;
  const line = text.slice(start, Math.max(start, last));
  // A carriage return alone is none of a line's end (RFC 9112 section 2.2).
  if (line.includes("\r")) throw new HeadError("a bare carriage return");
  return line;
}

function joined(before: string | null, value: string): string {
  return before === null ? value : `${before},${value}`;
}

/** The rest of a line without the spaces and tabs around it. */
function trimmed(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isSpace(line.charCodeAt(start))) start++;
  while (end > start && isSpace(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
