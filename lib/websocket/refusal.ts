/**
 * An upstream's answer other than 101: its body, and the response made of it.
 *
 * @module
 */
import { NULL_BODY } from "../exchange/headers.ts";
import type { UpstreamResponse } from "../transport/transport.ts";
import { type ResponseHead, type Source, tokensOf, valuesOf } from "./head.ts";

/** The longest body passed on, in bytes. Refusals have a sentence or a page. */
export const REFUSAL_LIMIT = 64 * 1024;
/** How much longer chunked framing may make it. */
const FRAMING = 16 * 1024;

/** An upstream's refusal of a WebSocket. */
export interface Refusal {
  status: number;
  statusText: string;
  /** As they came, names in lower case. */
  headers: [name: string, value: string][];
  /** Without transfer coding; null if there is none, or it could not be had. */
  body: Uint8Array<ArrayBuffer> | null;
}

/**
 * Reads the body of a refusal (RFC 9112 section 6.3). One that is longer than
 * 64 KiB, or broken, counts as none: the status is what matters.
 *
 * @param rest Bytes that came behind the head.
 */
export async function readBody(
  head: ResponseHead,
  rest: Uint8Array,
  source: Source,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const { status } = head;
  if (status === 204 || status === 205 || status === 304) return null;
  const measure = measureOf(head);
  const buffer = new Uint8Array(REFUSAL_LIMIT + FRAMING);
  let length = 0;
  try {
    let bytes = rest;
    while (true) {
      if (length + bytes.length > buffer.length) return null;
      buffer.set(bytes, length);
      length += bytes.length;
      const body = measure(buffer.subarray(0, length), false);
      if (body !== undefined) return within(body);
      bytes = new Uint8Array(4096);
      const count = await source.read(bytes);
      if (count === null) {
        return within(measure(buffer.subarray(0, length), true) ?? null);
      }
      bytes = bytes.subarray(0, count);
    }
  } catch {
    return null;
  }
}

function within(body: Uint8Array | null): Uint8Array<ArrayBuffer> | null {
  return body === null || body.length > REFUSAL_LIMIT ? null : body.slice();
}

/**
 * How much of the bytes is the body: undefined where more are needed, null
 * where it is broken.
 */
type Measure = (
  bytes: Uint8Array,
  ended: boolean,
) => Uint8Array | null | undefined;

function measureOf(head: ResponseHead): Measure {
  const codings = tokensOf(head, "transfer-encoding");
  if (codings.length > 0) {
    return codings.join().toLowerCase() === "chunked" ? dechunk : () => null;
  }
  const [length] = valuesOf(head, "content-length");
  if (length === undefined) return (bytes, ended) => ended ? bytes : undefined;
  const size = /^\d{1,15}$/.test(length) ? Number(length) : Infinity;
  if (size > REFUSAL_LIMIT) return () => null;
  return (bytes) => bytes.length < size ? undefined : bytes.subarray(0, size);
}

/** Takes the chunks apart (RFC 9112 section 7.1); trailers are left out. */
function dechunk(bytes: Uint8Array): Uint8Array | null | undefined {
  const body = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0;;) {
    const end = bytes.indexOf(10, at);
    if (end === -1) return undefined;
    const line = String.fromCharCode(
      ...bytes.subarray(at, Math.min(end, at + 64)),
    );
    const [, hex] = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?\r?$/i.exec(line) ?? [];
    if (hex === undefined) return null;
    const size = parseInt(hex, 16);
    if (size === 0) return body.subarray(0, length);
    at = end + 1;
    if (at + size + 2 > bytes.length) return undefined;
    body.set(bytes.subarray(at, at + size), length);
    length += size;
    at += size;
    if (bytes[at] !== 13 || bytes[at + 1] !== 10) return null;
    at += 2;
  }
}

/** The response: the upstream's, but for a body that is known whole. */
export function refusalResponse(
  { status, statusText, headers, body }: Refusal,
): UpstreamResponse {
  const fields = headers.filter(([name]) =>
    // The length is known anew, and a coding of nothing would be an error.
    name !== "content-length" && (body !== null || name !== "content-encoding")
  );
  if (!NULL_BODY.has(status)) {
    fields.push(["content-length", String(body?.length ?? 0)]);
  }
  return {
    status,
    statusText,
    fields,
    body: body === null ? null : {
      whole: body,
      stream: null,
      size: body.length,
      failure: null,
      discard() {},
    },
    upgraded: null,
  };
}
