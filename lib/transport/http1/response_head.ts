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
import type { KnownLines } from "./known_lines.ts";

/** The largest head taken, in bytes. */
export const HEAD_LIMIT = 256 * 1024;

/** The most fields taken: for 30,000 of them `Headers` would take 1.5 seconds. */
export const FIELDS_LIMIT = 1_000;

const CR = 0x0d;
const LF = 0x0a;

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
  readonly fields: readonly Field[];
  readonly framing: Framing;
  /** Whether the connection may be used again after the body. */
  readonly keepAlive: boolean;
  /** The protocol that the connection changes to; null where it does not. */
  readonly upgrade: string | null;
}

const NONE: Framing = { kind: "none" };
const CHUNKED: Framing = { kind: "chunked" };
const CLOSE: Framing = { kind: "close" };

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
 * @param known The lines that the server has sent before.
 * @throws {HeadError} for what is no head, or could be read in two ways.
 */
export function parseHead(
  text: string,
  method: string,
  known: KnownLines,
): ResponseHead {
  const { text: first, status, statusText, isHttp11 } = known.status(text);
  const fields: Field[] = [];
  let connection: string | null = null;
  let length: string | null = null;
  let coding: string | null = null;
  let upgrade: string | null = null;
  let at = first.length;
  for (let index = 0;; index++) {
    const line = known.field(text, at, index);
    if (line === null) break;
    if (index === FIELDS_LIMIT) {
      throw new HeadError(`more than ${FIELDS_LIMIT} fields`);
    }
    at += line.text.length;
    const { field } = line;
    const [name, value] = field;
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
    fields.push(name === "content-length" ? canonical(field) : field);
  }
  const named = namedInConnection(connection);
  const framing = framingOf(method, status, length, coding, isHttp11);
  return {
    status,
    statusText,
    fields: endToEnd(fields, named, coding !== null),
    framing,
    keepAlive: framing.kind !== "close" &&
      !isDoubtful(method, status, length, coding) &&
      (isHttp11
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
 * Whether a server may mean to send more, or less, than it should. What it sends
 * behind the end of one response would be taken for the next.
 */
function isDoubtful(
  method: string,
  status: number,
  length: string | null,
  coding: string | null,
): boolean {
  // Both may be meant.
  if (coding !== null && length !== null) return true;
  // Some servers send the body that a GET would have.
  if (method === "HEAD") return length !== "0";
  // Neither may have a body; a 304 has the length of what it stands for.
  if (status === 204) return coding !== null || (length ?? "0") !== "0";
  return status === 304 && coding !== null;
}

/** A length without leading zeros: not all read it in the same way. */
function canonical(field: Field): Field {
  const [name, value] = field;
  return /^0\d+$/.test(value) ? [name, String(Number(value))] : field;
}

/**
 * Without what `Connection` names, and without the length where a transfer
 * coding overrides it: the client must not take it for the length of the body.
 */
function endToEnd(
  fields: Field[],
  named: ReadonlySet<string> | null,
  isCoded: boolean,
): readonly Field[] {
  if (named === null && !isCoded) return fields;
  return fields.filter(([name]) =>
    !named?.has(name) && !(isCoded && name === "content-length")
  );
}

function joined(before: string | null, value: string): string {
  return before === null ? value : `${before},${value}`;
}
