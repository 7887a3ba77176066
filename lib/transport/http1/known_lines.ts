/**
 * The lines of response heads, taken apart and checked once.
 *
 * @module
 */
import type { Field } from "../../exchange/fields.ts";
import { HeadError } from "../errors.ts";

/** Names that are kept once they have been checked; servers use a few dozen. */
const NAMES_KEPT = 1_000;

/** The longest name that is kept, in bytes. */
const LONGEST_NAME = 64;

/** Lines of a head that are kept, and bytes of a head whose lines are. */
const LINES_KEPT = 64;
const LARGEST_HEAD = 8 * 1024;

const CR = 0x0d;

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/**
 * What a line may not hold (RFC 9110 section 5.5; RFC 9112 section 2.2), of a byte
 * string: control characters but the tab.
 */
const INVALID = /[^\t -~\x80-\xff]/;
/** `HTTP/1.1 200`, with or without a reason phrase. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;

/** The first line of a head. */
export interface StatusLine {
  /** With its line end. */
  readonly text: string;
  readonly isHttp11: boolean;
  /** 100 to 999. */
  readonly status: number;
  readonly statusText: string;
}

/** A field's line of a head. */
export interface FieldLine {
  /** With its line end. */
  readonly text: string;
  /** The name as written, with the colon. */
  readonly prefix: string;
  readonly field: Field;
}

/**
 * What one server has sent before. The heads of its responses mostly have the
 * same lines in the same places: those are taken as they were read then.
 */
export class KnownLines {
  readonly #names = new Map<string, string>();
  readonly #fields: FieldLine[] = [];
  #status: StatusLine | null = null;

  /** @throws {HeadError} for a head that does not begin as one. */
  status(head: string): StatusLine {
    const before = this.#status;
    if (before !== null && head.startsWith(before.text)) return before;
    const text = head.slice(0, head.indexOf("\n") + 1);
    const line = withoutEnd(text);
    const [, minor, digits, statusText = ""] = STATUS_LINE.exec(line) ?? [];
    if (digits === undefined) throw new HeadError(null);
    check(line);
    const status = Number(digits);
    const read = { text, isHttp11: minor === "1", status, statusText };
    if (head.length <= LARGEST_HEAD) this.#status = read;
    return read;
  }

  /**
   * Reads a field's line.
   *
   * @param at Where it begins in the head.
   * @param index How many are before it.
   * @returns Null for the empty line that ends the head.
   * @throws {HeadError}
   */
  field(head: string, at: number, index: number): FieldLine | null {
    const before = this.#fields[index];
    if (before !== undefined && head.startsWith(before.text, at)) return before;
    const text = head.slice(at, head.indexOf("\n", at) + 1);
    const line = withoutEnd(text);
    if (line === "") return null;
    check(line);
    const isKnown = before !== undefined && line.startsWith(before.prefix);
    const prefix = isKnown
      ? before.prefix
      : line.slice(0, line.indexOf(":") + 1);
    const name = isKnown ? before.field[0] : this.#nameOf(prefix);
    const value = trimmed(line, prefix.length);
    const read: FieldLine = { text, prefix, field: [name, value] };
    if (index < LINES_KEPT && head.length <= LARGEST_HEAD) {
      this.#fields[index] = read;
    }
    return read;
  }

  /**
   * A folded line has no name, and a space before the colon belongs to none
   * (RFC 9112 sections 5.1 and 5.2).
   *
   * @returns The name in lower case.
   */
  #nameOf(prefix: string): string {
    let name = this.#names.get(prefix);
    if (name !== undefined) return name;
    const written = prefix.slice(0, -1);
    if (!TOKEN.test(written)) throw new HeadError("an invalid field name");
    name = written.toLowerCase();
    if (this.#names.size < NAMES_KEPT && written.length <= LONGEST_NAME) {
      // A slice would keep the whole head alive.
      this.#names.set(copied(prefix), copied(name));
    }
    return name;
  }
}

/** @throws {HeadError} */
function check(line: string): void {
  if (!INVALID.test(line)) return;
  throw new HeadError(
    line.includes("\r") ? "a bare carriage return" : "a control character",
  );
}

/** A line without its end, which may be a line feed alone (RFC 9112 section 2.2). */
function withoutEnd(text: string): string {
  return text.slice(0, text.charCodeAt(text.length - 2) === CR ? -2 : -1);
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

/** The same text in memory of its own. */
function copied(text: string): string {
  let copy = "";
  for (let i = 0; i < text.length; i++) copy += text.charAt(i);
  return copy;
}
