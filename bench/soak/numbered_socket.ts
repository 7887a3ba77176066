/**
 * A WebSocket over bare TCP that exchanges numbered messages, and can vanish.
 *
 * @module
 */
import { close } from "./gate.ts";
import { connect, headOf, textOf, write } from "./http_client.ts";
import { LAST } from "./server.ts";

/** The server at the other end, and how often it had been cut. */
export interface Peer {
  readonly name: string;
  readonly cuts: number;
}

const encoder = new TextEncoder();

const HANDSHAKE = [
  "connection: upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
];

export class NumberedSocket {
  /** Who is there; null before it has said so. */
  peer: Peer | null = null;
  sent = 0;
  received = 0;
  pushed = 0;
  /** Messages that came twice, or not in their turn. */
  wrong = 0;
  /** With what the other side closed it: 1006 for an end without a word. */
  code = 1006;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
  #text: string;
  #closing = false;
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn, rest: string) {
    this.#connection = connection;
    this.#text = rest;
    this.ended = this.#read().catch(() => {}).finally(() => close(connection));
  }

  /** Opens one; gives the status of an answer that is a refusal. */
  static async open(
    port: number,
    path: string,
  ): Promise<NumberedSocket | number> {
    const connection = await connect(port);
    try {
      connection.setNoDelay(true);
      await write(connection, headOf("GET", path, ...HANDSHAKE));
      const chunk = new Uint8Array(4_096);
      let text = "";
      while (true) {
        const count = await connection.read(chunk);
        if (count === null) throw new Error("closed without an answer");
        text += textOf(chunk.subarray(0, count));
        const end = text.indexOf("\r\n\r\n");
        if (end === -1) continue;
        const status = Number(text.slice(9, 12));
        if (status === 101) {
          return new NumberedSocket(connection, text.slice(end + 4));
        }
        close(connection);
        return status;
      }
    } catch (error) {
      close(connection);
      throw error;
    }
  }

  /** The next number. */
  send(): Promise<void> {
    return this.#frame(0x1, `sent ${this.sent++}`);
  }

  /** Asks the server to close, after all that it has got. */
  finish(): Promise<void> {
    return this.#frame(0x1, LAST);
  }

  /** Closes with 1000. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#frame(0x8, "\x03\xe8");
  }

  /** Is gone without a word. */
  vanish(): void {
    close(this.#connection);
  }

  /** A short frame; its masking key is 0, which leaves it as it is. */
  async #frame(opcode: number, text: string): Promise<void> {
    const payload = opcode === 0x1
      ? encoder.encode(text)
      : Uint8Array.from(text, (c) => c.charCodeAt(0));
    const head = [0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0];
    try {
      await write(this.#connection, new Uint8Array([...head, ...payload]));
    } catch {
      // It has ended, of which the reading end tells.
    }
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(4_096);
    while (true) {
      this.#take();
      const count = await this.#connection.read(chunk);
      if (count === null) return;
      this.#text += textOf(chunk.subarray(0, count));
    }
  }

  /** Takes the frames that are there. */
  #take(): void {
    while (this.#text.length >= 2) {
      const opcode = this.#text.charCodeAt(0) & 0xf;
      const length = this.#text.charCodeAt(1);
      if (this.#text.length < 2 + length) return;
      const payload = this.#text.slice(2, 2 + length);
      this.#text = this.#text.slice(2 + length);
      if (opcode === 0x8) {
        // The other side closes the connection when it has its answer.
        this.code = payload.charCodeAt(0) << 8 | payload.charCodeAt(1);
        this.close();
      }
      if (opcode === 0x9) this.#frame(0xa, payload);
      if (opcode === 0x1) this.#message(payload);
    }
  }

  #message(text: string): void {
    const [what, first = "", second] = text.split(" ");
    if (what === "server") {
      this.peer = { name: first, cuts: Number(second) };
    } else if (text === `sent ${this.received}`) {
      this.received++;
    } else if (text === `pushed ${this.pushed}`) {
      this.pushed++;
    } else {
      this.wrong++;
    }
  }
}
