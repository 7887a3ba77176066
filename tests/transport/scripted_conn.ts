/**
 * A connection that gives just the pieces it is told, which a real one does not
 * promise to: it may join them, or cut them elsewhere.
 *
 * @module
 */

/** What a test reads from, each piece in one read; then the end. */
export function scriptedConn(pieces: readonly Uint8Array[]): Deno.Conn {
  const left = pieces.filter((piece) => piece.length > 0);
  const read = (into: Uint8Array): Promise<number | null> => {
    const piece = left.shift();
    if (piece === undefined) return Promise.resolve(null);
    const count = Math.min(piece.length, into.length);
    into.set(piece.subarray(0, count));
    if (count < piece.length) left.unshift(piece.subarray(count));
    return Promise.resolve(count);
  };
  const conn: Pick<Deno.Conn, "read" | "write" | "close"> = {
    read,
    write: (bytes) => Promise.resolve(bytes.length),
    close: () => {},
  };
  return conn as Deno.Conn;
}

/** One byte for each character. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** One character for each byte. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
