/**
 * A request with a body, as it is written.
 *
 * @module
 */
import type { Deadlines } from "../../exchange/deadline.ts";
import { UpstreamError } from "../errors.ts";
import type { RequestBody } from "../request_body.ts";
import type { Connection } from "./connection.ts";

/**
 * Milliseconds that a head waits for the beginning of its body, so that both go
 * in one packet. It can't wait for ever: a client may send its body only when it
 * has an answer.
 */
const HEAD_DELAY = 10;

/** Bytes up to which head or framing and data are written together. */
const TOGETHER = 64 * 1024 + 4 * 1024;

const encoder = new TextEncoder();
const LAST_CHUNK = encoder.encode("0\r\n\r\n");
const NOTHING = new Uint8Array(0);

/**
 * Writes head and body, the body with the framing that it came in.
 *
 * @param address Of the server, for errors.
 * @throws What reading the body throws.
 * @throws {UpstreamError} `timeout` where the server takes nothing for
 * `proxy_send_timeout`; the connection is closed then.
 * @throws What the connection throws.
 */
export async function sendBody(
  connection: Connection,
  head: Uint8Array,
  body: RequestBody,
  deadlines: Deadlines,
  address: string,
): Promise<void> {
  const reader = body.read();
  const isChunked = body.length === null;
  const { proxy_send_timeout } = body.settings;
  const write = async (bytes: Uint8Array): Promise<void> => {
    const deadline = deadlines.start(
      proxy_send_timeout,
      () => connection.close(new UpstreamError("timeout", address)),
    );
    try {
      await connection.write(bytes);
    } finally {
      deadlines.stop(deadline);
    }
  };

  let before = head;
  let next = reader.next();
  if (next instanceof Promise && await isLate(next, deadlines)) {
    await write(head);
    before = NOTHING;
  }
  while (true) {
    const piece = await next;
    if (piece === null) break;
    const framed = isChunked ? chunkHead(piece.length) : NOTHING;
    const behind = !isChunked ? NOTHING : reader.done ? CRLF_LAST_CHUNK : CRLF;
    await writeTogether(write, [before, framed, piece, behind]);
    before = NOTHING;
    if (reader.done) return;
    next = reader.next();
  }
  await write(joined([before, isChunked ? LAST_CHUNK : NOTHING]));
}

const CRLF = encoder.encode("\r\n");
const CRLF_LAST_CHUNK = encoder.encode("\r\n0\r\n\r\n");

/** RFC 9112 section 7.1; an empty piece would be the last chunk, and is none. */
function chunkHead(length: number): Uint8Array {
  return encoder.encode(length.toString(16) + "\r\n");
}

/** In as few packets as their size allows. */
async function writeTogether(
  write: (bytes: Uint8Array) => Promise<void>,
  parts: readonly Uint8Array[],
): Promise<void> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  if (size <= TOGETHER) return await write(joined(parts));
  for (const part of parts) if (part.length > 0) await write(part);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const some = parts.filter((part) => part.length > 0);
  const [only = NOTHING] = some;
  if (some.length <= 1) return only;
  const all = new Uint8Array(some.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of some) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Whether a body does not begin soon. */
async function isLate(
  first: Promise<unknown>,
  deadlines: Deadlines,
): Promise<boolean> {
  const late = Promise.withResolvers<true>();
  const deadline = deadlines.start(HEAD_DELAY, () => late.resolve(true));
  // A failure is told to who awaits it.
  const begun = first.then(() => false, () => false);
  const isLate = await Promise.race([begun, late.promise]);
  deadlines.stop(deadline);
  return isLate;
}
