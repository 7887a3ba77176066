/**
 * Several parts of a file in one response: `multipart/byteranges` (RFC 9110
 * section 14.6).
 *
 * @module
 */
import type { Piece } from "./body.ts";
import type { Range } from "./ranges.ts";

/** What is sent. */
export interface Multipart {
  /** For Content-Type. */
  readonly type: string;
  /** Bytes of all pieces. */
  readonly length: number;
  readonly pieces: readonly Piece[];
}

/**
 * Puts the parts together.
 *
 * @param type The file's media type.
 * @param size The file's.
 */
export function multipart(
  ranges: readonly Range[],
  type: string,
  size: number,
): Multipart {
  // Nobody who writes the file knows it beforehand; as long as nginx's.
  const boundary = crypto.randomUUID().replaceAll("-", "").slice(0, 20);
  const encoder = new TextEncoder();
  const pieces: Piece[] = [];
  let length = 0;
  for (const range of ranges) {
    const { start, end } = range;
    const head = encoder.encode(
      `\r\n--${boundary}\r\nContent-Type: ${type}\r\n` +
        `Content-Range: bytes ${start}-${end - 1}/${size}\r\n\r\n`,
    );
    pieces.push(head, range);
    length += head.length + end - start;
  }
  const last = encoder.encode(`\r\n--${boundary}--\r\n`);
  pieces.push(last);
  return {
    type: `multipart/byteranges; boundary=${boundary}`,
    length: length + last.length,
    pieces,
  };
}
