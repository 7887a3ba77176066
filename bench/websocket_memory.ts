/**
 * Shows that a slow WebSocket client slows its upstream down: sends 512 MiB of
 * messages through a proxy in its own process to a client that first does not
 * read at all and then reads 100 MB a second, compares the hashes of what was
 * sent and what arrived, and watches the proxy's resident memory.
 *
 * Linux only (`/proc`). Exit code 1 if a byte is lost or memory grows by 64 MiB
 * or more.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { startProxyProcess } from "./proxy_process.ts";
import { residentMiB, watchResident } from "./resident.ts";

const MIB = 1024 * 1024;
const LIMIT_MIB = 64;
/** Milliseconds that the client does not read. */
const PAUSE = 2_000;
/** Bytes that it reads in a millisecond after that. */
const RATE = 100_000;
/** The sizes of messages, over and over. */
const SIZES = [100, 16_384, 1_000, 65_536, 1_048_576];

const material = crypto.getRandomValues(new Uint8Array(65_536));

/** The head of a server's binary frame. */
function frameHead(size: number): number[] {
  if (size < 126) return [0x82, size];
  if (size < 65_536) return [0x82, 126, size >> 8, size & 255];
  return [0x82, 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((s) => size >> s & 255)];
}

/**
 * Accepts one WebSocket and sends messages.
 *
 * @returns The hash of their payloads.
 */
async function sendMessages(listener: Deno.Listener, total: number) {
  const hash = createHash("sha256");
  const connection = await listener.accept();
  const request = await readHead(connection);
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request)?.[1];
  const accept = createHash("sha1")
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  await writeAll(
    connection,
    new TextEncoder().encode(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
        `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    ),
  );
  let sent = 0;
  for (let n = 0; sent < total; n++) {
    const size = Math.min(SIZES[n % SIZES.length] ?? 0, total - sent);
    const head = frameHead(size);
    const frame = new Uint8Array(head.length + size);
    frame.set(head);
    for (let at = head.length; at < frame.length; at += material.length) {
      frame.set(material.subarray(0, frame.length - at), at);
    }
    // No message is like another.
    if (size >= 8) new DataView(frame.buffer).setFloat64(head.length, n);
    hash.update(frame.subarray(head.length));
    await writeAll(connection, frame);
    sent += size;
  }
  return { hash: hash.digest("hex"), connection };
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array) {
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
}

/** Reads a head, byte by byte so as to leave what follows. */
async function readHead(connection: Deno.Conn): Promise<string> {
  let text = "";
  const byte = new Uint8Array(1);
  while (!text.endsWith("\r\n\r\n")) {
    if (await connection.read(byte) === null) throw new Error(`cut: ${text}`);
    text += String.fromCharCode(byte[0] ?? 0);
  }
  return text;
}

/** Opens a WebSocket through the proxy. */
async function openClient(url: string): Promise<Deno.Conn> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await writeAll(
    connection,
    new TextEncoder().encode(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\n` +
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
  );
  const head = await readHead(connection);
  if (!head.startsWith("HTTP/1.1 101")) throw new Error(head);
  return connection;
}

/**
 * Reads messages, not faster than `RATE`.
 *
 * @returns The hash of their payloads.
 */
async function readMessages(connection: Deno.Conn, total: number) {
  const hash = createHash("sha256");
  const begun = performance.now();
  const buffer = new Uint8Array(256 * 1024);
  let start = 0;
  let end = 0;
  let read = 0;
  const fill = async () => {
    const early = read / RATE - (performance.now() - begun);
    if (early > 5) await new Promise((resolve) => setTimeout(resolve, early));
    buffer.copyWithin(0, start, end);
    end -= start;
    start = 0;
    const count = await connection.read(buffer.subarray(end));
    if (count === null) throw new Error("cut");
    end += count;
    read += count;
  };
  for (let received = 0; received < total;) {
    while (end - start < 10 && end - start < total - received) await fill();
    let left = (buffer[start + 1] ?? 0) & 127;
    const extended = left === 126 ? 2 : left === 127 ? 8 : 0;
    if (extended > 0) {
      left = 0;
      for (let i = 2; i < 2 + extended; i++) {
        left = left * 256 + (buffer[start + i] ?? 0);
      }
    }
    start += 2 + extended;
    received += left;
    while (left > 0) {
      if (start === end) await fill();
      const count = Math.min(left, end - start);
      hash.update(buffer.subarray(start, start + count));
      start += count;
      left -= count;
    }
  }
  return hash.digest("hex");
}

/** Sends so many bytes to a client that first pauses. */
async function run(listener: Deno.Listener, url: string, total: number) {
  const sending = sendMessages(listener, total);
  const client = await openClient(url);
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  const received = await readMessages(client, total);
  const { hash, connection } = await sending;
  client.close();
  connection.close();
  return hash === received;
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const { port } = listener.addr as Deno.NetAddr;
// The raw client does not answer pings.
await using proxy = await startProxyProcess(`listen: 127.0.0.1:0
locations:
  /: {proxy_pass: "http://127.0.0.1:${port}", websocket_ping: 0}
`);
// The first messages load code; they are not what is measured.
await run(listener, proxy.url, MIB);
const before = await residentMiB(proxy.pid);
using watch = watchResident(proxy.pid);
const whole = await run(listener, proxy.url, 512 * MIB);
const growth = watch.peak - before;
const mib = (n: number) => n.toFixed(0).padStart(3) + " MiB";
console.log("                            before   peak  growth  every byte");
console.log(
  `512 MiB to a slow WebSocket  ${mib(before)}  ${mib(watch.peak)}  ` +
    `${mib(growth)}  ${whole ? "yes" : "NO"}`,
);
listener.close();
if (!whole || growth >= LIMIT_MIB) Deno.exitCode = 1;
