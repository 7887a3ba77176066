/**
 * WebSocket frames and handshakes byte by byte, written apart from the code
 * under test, for upstreams that lie and clients that do.
 *
 * @module
 */
import {
  type RawConnection,
  type RawUpstream,
  rawUpstream,
} from "../support/raw_upstream.ts";

export interface FrameOptions {
  /** False for a fragment that others follow. */
  final?: boolean;
  /** RSV1 to RSV3 as bits 0x40 to 0x10. */
  reserved?: number;
  /** Four bytes; a client masks. */
  mask?: readonly [number, number, number, number];
}

/** The bytes of a frame. */
export function frame(
  opcode: number,
  payload: Uint8Array | string = "",
  { final = true, reserved = 0, mask }: FrameOptions = {},
): Uint8Array<ArrayBuffer> {
  const data = typeof payload === "string"
    ? new TextEncoder().encode(payload)
    : payload;
  const size = data.length < 126
    ? [data.length]
    : data.length < 65536
    ? [126, data.length >> 8, data.length & 255]
    : [127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((s) => data.length >> s & 255)];
  if (mask !== undefined) size[0] = (size[0] ?? 0) | 0x80;
  const head = [
    (final ? 0x80 : 0) | reserved | opcode,
    ...size,
    ...(mask ?? []),
  ];
  const bytes = new Uint8Array(head.length + data.length);
  bytes.set(head);
  bytes.set(
    mask === undefined ? data : data.map((b, i) => b ^ (mask[i % 4] ?? 0)),
    head.length,
  );
  return bytes;
}

/** A close frame's payload. */
export function closing(code: number, reason = ""): Uint8Array {
  const words = new TextEncoder().encode(reason);
  return Uint8Array.from([code >> 8, code & 255, ...words]);
}

export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A byte for each character, as the raw connections write. */
export function text(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => String.fromCharCode(b)).join("");
}

/** What a client sends to open a WebSocket, without the frames that may follow. */
export function handshake(
  port: number,
  more: readonly string[] = [],
  path = "/",
): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...more,
    "",
    "",
  ].join("\r\n");
}

/** The 101 that answers a request's head. */
export async function acceptance(
  head: string,
  more: readonly string[] = [],
): Promise<string> {
  const [, key = ""] = /^sec-websocket-key: *(.*?)\r$/im.exec(head) ?? [];
  const digest = await crypto.subtle.digest(
    "SHA-1",
    new TextEncoder().encode(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"),
  );
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${btoa(text(new Uint8Array(digest)))}`,
    ...more,
    "",
    "",
  ].join("\r\n");
}

/** A frame as it was read. */
export interface ReadFrame {
  final: boolean;
  opcode: number;
  masked: boolean;
  payload: Uint8Array;
}

/** Takes one frame from a connection. */
export async function readFrame(from: RawConnection): Promise<ReadFrame> {
  const bytes = async (length: number) =>
    Uint8Array.from(await from.readExactly(length), (c) => c.charCodeAt(0));
  const [first = 0, second = 0] = await bytes(2);
  let length = second & 0x7f;
  if (length > 125) {
    const size = await bytes(length === 126 ? 2 : 8);
    length = size.reduce((n, b) => n * 256 + b, 0);
  }
  const masked = second >= 0x80;
  const mask = masked ? await bytes(4) : [];
  const payload = (await bytes(length)).map((b, i) => b ^ (mask[i % 4] ?? 0));
  return { final: first >= 0x80, opcode: first & 15, masked, payload };
}

/** Takes one frame, after it has answered the pings before it, as an upstream. */
export async function readOther(from: RawConnection): Promise<ReadFrame> {
  while (true) {
    const read = await readFrame(from);
    if (read.opcode !== 9) return read;
    await send(from, frame(10, read.payload));
  }
}

/** An upstream that opens WebSockets as it should, and then does what it is told to. */
export function acceptingUpstream(
  script: (connection: RawConnection, head: string) => Promise<void>,
): RawUpstream {
  return rawUpstream(async (connection) => {
    const head = await connection.readHead();
    await connection.write(await acceptance(head));
    await script(connection, head);
  });
}

/** Sends bytes on a raw connection. */
export function send(to: RawConnection, bytes: Uint8Array): Promise<void> {
  return to.write(text(bytes));
}
