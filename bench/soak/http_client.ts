/**
 * An HTTP/1.1 client over bare TCP, which knows what a `fetch` would hide: that
 * a connection was cut, or a request had to be sent again.
 *
 * @module
 */
import { close } from "./gate.ts";

/** Milliseconds after which an answer is given up. */
const PATIENCE = 20_000;

const encoder = new TextEncoder();

export interface Answer {
  readonly status: number;
  /** Bytes of the body. */
  readonly length: number;
  /** The body, of a short one. */
  readonly text: string;
}

/** The head of a request, without a body's own fields. */
export function headOf(method: string, path: string, ...fields: string[]) {
  return [`${method} ${path} HTTP/1.1`, "host: soak", ...fields, "", ""]
    .join("\r\n");
}

export function connect(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** A char for each byte; TextDecoder's "latin1" is Windows-1252. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8_192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return text;
}

export async function write(
  connection: Deno.Conn,
  data: string | Uint8Array,
): Promise<void> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
}

/** A connection that is kept, and knows when the proxy has closed it. */
export class Connection implements Disposable {
  /** Whether no more requests can be sent. */
  ended = false;
  #waiting: PromiseWithResolvers<Answer> | null = null;
  #head = "";
  #status = 0;
  #left = 0;
  #length = 0;
  #text = "";

  private constructor(readonly connection: Deno.TcpConn) {
    connection.setNoDelay(true);
    this.#read();
  }

  static async open(port: number): Promise<Connection> {
    return new Connection(await connect(port));
  }

  /**
   * Sends a request, in pieces, and gives its answer.
   *
   * @throws {Error} if there is none, or not all of it.
   */
  ask(...pieces: (string | Uint8Array)[]): Promise<Answer> {
    return this.askOf(pieces);
  }

  /** The same, with pieces that take their time. */
  async askOf(
    pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  ): Promise<Answer> {
    const waiting = this.#waiting = Promise.withResolvers<Answer>();
    const timer = setTimeout(
      () => waiting.reject(new Error("no answer in time")),
      PATIENCE,
    );
    const writing = (async () => {
      // An answer may come, and the connection end, before all is written.
      for await (const piece of pieces) await write(this.connection, piece);
    })().catch(() => {});
    try {
      const answer = await waiting.promise;
      if (this.ended) await writing;
      return answer;
    } catch (error) {
      this.ended = true;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    close(this.connection);
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(65_536);
    try {
      while (true) {
        const count = await this.connection.read(chunk);
        if (count === null) break;
        this.#take(chunk.subarray(0, count));
      }
    } catch {
      // A reset is an end too.
    }
    this.ended = true;
    const why = this.#left > 0 ? "cut short" : "closed without an answer";
    this.#waiting?.reject(new Error(why));
  }

  /** Takes bytes of an answer, which says its length. */
  #take(bytes: Uint8Array): void {
    if (this.#left === 0) {
      this.#head += textOf(bytes);
      const end = this.#head.indexOf("\r\n\r\n");
      if (end === -1) return;
      const head = this.#head.slice(0, end + 2);
      const body = this.#head.slice(end + 4);
      this.#head = "";
      this.#status = Number(head.slice(9, 12));
      this.#length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
      if (/^connection: close\r$/im.test(head)) this.ended = true;
      this.#text = this.#length < 1_000 ? body : "";
      this.#left = this.#length - body.length;
    } else {
      if (this.#length < 1_000) this.#text += textOf(bytes);
      this.#left -= bytes.length;
    }
    if (this.#left > 0) return;
    this.#waiting?.resolve({
      status: this.#status,
      length: this.#length,
      text: this.#text,
    });
    this.#waiting = null;
  }
}
