/**
 * The upstream's side of a bridge: an open WebSocket, in the client's role.
 *
 * Deno's own WebSocket clients refuse to close with most of the legal codes and
 * delay messages of more than a packet by up to 40 ms (they leave Nagle's
 * algorithm on), so the protocol is spoken here.
 *
 * @module
 */
import { within } from "../exchange/timeout.ts";
import type {
  ChunkPool,
  MessageMemory,
  MessagePool,
} from "./frames/buffers.ts";
import type { FrameDecoder } from "./frames/decoder.ts";
import {
  CLOSE,
  type Close,
  closePayload,
  FrameError,
  INTERNAL_ERROR,
  type MaskSource,
  parseClose,
  PING,
  PONG,
  TEXT,
  VANISHED,
} from "./frames/frame.ts";
import { FrameWriter, type WriterOwner } from "./frames/writer.ts";
import { Heartbeat } from "./heartbeat.ts";

/** Times of all bridges of a listener, in milliseconds. */
export interface WebSocketTimes {
  /** How long a client may take to open after its 101. */
  readonly open: number;
  /** How long either side may take to answer a close frame. */
  readonly close: number;
  /**
   * How long an upstream may take to close the connection after the closing
   * handshake, which is the server's part (RFC 6455 section 7.1.1).
   */
  readonly linger: number;
  /** The interval at which open bridges are looked at. */
  readonly sweep: number;
}

export const WEBSOCKET_TIMES: WebSocketTimes = {
  open: 5_000,
  close: 5_000,
  linger: 1_000,
  sweep: 1_000,
};

/**
 * Bytes waiting from which on no pong is sent: the next one answers all pings
 * before it (RFC 6455 section 5.5.3).
 */
const PONG_LIMIT = 64 * 1024;

const NOTHING = new Uint8Array(0);

/** What the upstream sends is given to it. */
export interface UpstreamReceiver {
  /**
   * A message, also after this side has begun to close. Bytes are valid until
   * the call returns.
   *
   * @returns A promise if nothing more is to be read until it settles, which
   * slows down the upstream.
   */
  message(data: string | Uint8Array, size: number): Promise<void> | undefined;
  /**
   * The end, once: the upstream's close frame; 1006 if there was none; 1011 if it
   * violated the protocol. After it no message comes.
   */
  closed(close: Close): void;
}

/** What all connections of a listener share. */
export interface WebSocketSupplies {
  readonly times: WebSocketTimes;
  readonly chunks: ChunkPool;
  readonly messages: MessagePool;
  readonly masks: MaskSource;
  readonly memory: MessageMemory;
}

export class UpstreamSocket implements WriterOwner {
  #closing = false;
  #cut = false;
  /** Whether it is not read until the receiver says so. */
  #paused = false;
  /** Bytes written when it was last looked at. */
  #written = 0;
  readonly #heartbeat: Heartbeat;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #times: WebSocketTimes;
  readonly #connection: Deno.Conn;
  readonly #decoder: FrameDecoder;
  readonly #writer: FrameWriter;

  /**
   * @param connection After the handshake; this object closes it.
   * @param decoder Holds the bytes that followed the handshake.
   * @param protocol The sub-protocol that the upstream chose, `""` for none.
   */
  constructor(
    connection: Deno.Conn,
    decoder: FrameDecoder,
    readonly protocol: string,
    { chunks, masks, times, memory }: WebSocketSupplies,
  ) {
    this.#times = times;
    this.#heartbeat = new Heartbeat(performance.now());
    this.#connection = connection;
    this.#decoder = decoder;
    this.#writer = new FrameWriter(connection, chunks, masks, this, memory);
  }

  /** Bytes that wait for the network. */
  get bufferedAmount(): number {
    return this.#writer.bufferedAmount;
  }

  /**
   * Sends a message; after {@linkcode close} nothing is sent.
   *
   * @param data An ArrayBuffer must not be used afterwards: it may be masked in
   * place.
   * @returns Its length in bytes.
   */
  send(data: string | ArrayBuffer): number {
    if (this.#closing || this.#cut) return 0;
    this.#heartbeat.sent();
    return typeof data === "string"
      ? this.#writer.text(data)
      : this.#writer.binary(data);
  }

  /**
   * Begins the closing handshake (RFC 6455 section 7.1.2). The connection to an
   * upstream that does not answer in time is closed.
   *
   * @param close A legal code, or 1005 for none.
   */
  close(close: Close): void {
    if (this.#closing || this.#cut) return;
    this.#closing = true;
    this.#writer.control(CLOSE, closePayload(close));
    this.#abortAfter(this.#times.close);
  }

  /**
   * Pings an upstream that hears nothing, or is not heard: it may be waiting for
   * its client's pings, which Deno answers and does not pass on. Cuts the
   * connection to one that is dead.
   *
   * @param now Milliseconds of `performance.now()`.
   * @param interval Of {@linkcode Heartbeat}, in milliseconds; 0 for no pings.
   */
  sweep(now: number, interval: number): void {
    if (interval === 0 || this.#closing || this.#cut) return;
    const { bufferedAmount, written } = this.#writer;
    // A ping waits behind the data of a slow upstream, and its pong is not read
    // while the upstream is paused.
    const progress = bufferedAmount > 0 && written !== this.#written;
    if (progress || this.#paused) this.#heartbeat.heard();
    this.#written = written;
    const due = this.#heartbeat.look(now, interval);
    if (due === "ping") this.#writer.control(PING, NOTHING);
    else if (due === "dead") this.abort();
  }

  /** Closes the connection without a close frame. */
  abort(): void {
    if (this.#cut) return;
    this.#cut = true;
    clearTimeout(this.#timer);
    this.#writer.discard();
    try {
      this.#connection.close();
    } catch {
      // Closed already, by an error.
    }
  }

  /** Reads until the end. Call it once. @returns When the connection is closed. */
  async run(receiver: UpstreamReceiver): Promise<void> {
    let close: Close = { code: VANISHED, reason: "" };
    let linger = false;
    try {
      const payload = await this.#receive(receiver);
      if (payload !== null) {
        close = parseClose(payload);
        linger = true;
        this.close(close);
      }
    } catch (error) {
      if (error instanceof FrameError) {
        close = {
          code: INTERNAL_ERROR,
          reason: "upstream violated the protocol",
        };
        linger = true;
        this.close({ code: error.code, reason: error.message });
      }
    }
    receiver.closed(close);
    if (linger && !this.#cut) {
      await within(this.#skipRest(), this.#times.linger);
    }
    this.abort();
  }

  /** The connection takes nothing more; what the upstream sent is still read. */
  writeFailed(): void {
    if (!this.#cut) this.#abortAfter(this.#times.linger);
  }

  /** @returns The payload of the close frame, null if none came. */
  async #receive(receiver: UpstreamReceiver): Promise<Uint8Array | null> {
    const decoder = this.#decoder;
    while (true) {
      for (let opcode = decoder.next(); opcode !== 0; opcode = decoder.next()) {
        if (opcode === CLOSE) return decoder.bytes;
        if (opcode === PING) this.#pong(decoder.bytes);
        if (opcode >= CLOSE) continue;
        const pause = receiver.message(
          opcode === TEXT ? decoder.text : decoder.bytes,
          decoder.size,
        );
        if (pause === undefined) continue;
        this.#paused = true;
        await pause;
        this.#paused = false;
      }
      const count = await this.#connection.read(decoder.room());
      if (count === null) return null;
      this.#heartbeat.heard();
      decoder.received(count);
    }
  }

  #pong(payload: Uint8Array): void {
    if (this.#closing || this.bufferedAmount > PONG_LIMIT) return;
    this.#heartbeat.sent();
    this.#writer.control(PONG, payload);
  }

  async #skipRest(): Promise<void> {
    const scratch = new Uint8Array(1024);
    try {
      while (await this.#connection.read(scratch) !== null);
    } catch {
      // Cut, by either side.
    }
  }

  #abortAfter(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.abort(), milliseconds);
  }
}
