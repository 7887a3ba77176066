/**
 * The bytes of a file, as a response's body.
 *
 * @module
 */
import type { Exchange, Held } from "../../exchange/exchange.ts";
import type { Range } from "./ranges.ts";

/**
 * Up to this size a file is read at once: from there on the platform's own
 * stream costs less (Deno 2.9.6, measured from 1 to 64 kB).
 */
const WHOLE_SIZE = 16 * 1024;

/** A piece of a body: bytes, or a part of the file. */
export type Piece = Uint8Array<ArrayBuffer> | Range;

/** A file that is read while its response is sent, and closed with it. */
class OpenFile implements Held {
  constructor(readonly file: Deno.FsFile) {}

  giveBack(): void {
    try {
      this.file.close();
    } catch {
      // The platform has closed it: it does when it has read to the end.
    }
  }
}

/**
 * A part of a file, or the whole.
 *
 * @param file Is closed by the end of the exchange.
 * @param info Of the file.
 * @throws {Error} If a small file can't be read, or is shorter than that.
 */
export function bodyOf(
  file: Deno.FsFile,
  { start, end }: Range,
  { size, mtime }: Deno.FileInfo,
  exchange: Exchange,
): BodyInit {
  if (end - start <= WHOLE_SIZE) {
    try {
      if (start > 0) file.seekSync(start, Deno.SeekMode.Start);
      return readWhole(file, end - start);
    } finally {
      file.close();
    }
  }
  if (end !== size || isHttp2(exchange) && mayGrow(mtime)) {
    return bodyOfPieces(file, [{ start, end }], exchange);
  }
  if (start > 0) file.seekSync(start, Deno.SeekMode.Start);
  exchange.content = new OpenFile(file);
  // Deno sends this one without JavaScript, for half of the CPU. Should the file
  // have grown, it cuts it to the Content-Length, but not in HTTP/2.
  return file.readable;
}

/** Milliseconds after which a file is not expected to be written to any more. */
const SETTLED = 60 * 60 * 1000;

/** @param mtime When it was last changed; null where that is not known. */
function mayGrow(mtime: Date | null): boolean {
  return mtime === null || Date.now() - mtime.getTime() < SETTLED;
}

/** Only in HTTP/2 a request has no Host. */
function isHttp2({ fields }: Exchange): boolean {
  return fields.host === null;
}

function readWhole(file: Deno.FsFile, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size;) {
    const read = file.readSync(bytes.subarray(done));
    if (read === null) throw new Error("the file has become shorter");
    done += read;
  }
  return bytes;
}

/** How much is read at a time. */
const CHUNK_SIZE = 64 * 1024;

/** Several pieces, one after the other. */
export function bodyOfPieces(
  file: Deno.FsFile,
  pieces: readonly Piece[],
  exchange: Exchange,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const open = new OpenFile(file);
  exchange.content = open;
  const left = [...pieces];
  // Where the file is read next, and to where; equal between two pieces.
  let at = 0;
  let end = 0;
  return new ReadableStream({
    async pull(controller) {
      try {
        if (at === end) {
          const piece = left.shift();
          if (piece === undefined) {
            open.giveBack();
            controller.close();
            return;
          }
          if (piece instanceof Uint8Array) {
            controller.enqueue(piece);
            return;
          }
          at = await file.seek(piece.start, Deno.SeekMode.Start);
          end = piece.end;
        }
        const bytes = new Uint8Array(Math.min(end - at, CHUNK_SIZE));
        const read = await file.read(bytes);
        if (read === null) throw new Error("the file has become shorter");
        at += read;
        controller.enqueue(bytes.subarray(0, read));
      } catch (error) {
        // The response breaks off: a client sees that it is not whole.
        open.giveBack();
        controller.error(error);
      }
    },
    cancel: () => open.giveBack(),
  }, { highWaterMark: 0 });
}
