/**
 * What WebSocket clients can make the proxy hold: watches the resident memory of
 * a proxy in its own process while clients send more than is taken from them.
 *
 *     deno run -A tools/with_std.ts run -A bench/websocket_flood.ts [SCENARIO…]
 *
 * Linux only (`/proc`).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { startProxyProcess } from "./proxy_process.ts";
import { residentMiB, watchResident } from "./resident.ts";

const MIB = 1024 * 1024;
const TEXT = 1;
const BINARY = 2;

/** Some clients, and what each of them sends. */
interface Scenario {
  title: string;
  /** Directives of the location. */
  directives: string;
  clients: number;
  /** Whether the upstream reads what it is sent. */
  reads: boolean;
  send(client: Client): Promise<void>;
}

/** A client over bare TCP. */
class Client {
  constructor(readonly connection: Deno.Conn) {}

  /** Sends a frame, less so many of its last bytes. */
  async frame(
    opcode: number,
    size: number,
    { final = true, less = 0 } = {},
  ): Promise<void> {
    const head = new Uint8Array(14);
    head[0] = (final ? 0x80 : 0) | opcode;
    head[1] = 0x80 | 127;
    new DataView(head.buffer).setBigUint64(2, BigInt(size));
    await this.#write(head);
    // The mask is zero: what is sent is the letter A.
    const block = new Uint8Array(Math.min(size, 256 * 1024)).fill(65);
    for (let left = size - less; left > 0; left -= block.length) {
      await this.#write(block.subarray(0, left));
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.connection.write(bytes.subarray(at));
    }
  }
}

const SCENARIOS: Record<string, Scenario> = {
  texts: {
    title:
      "6 clients, 2 texts of 60 MiB each, to an upstream that reads nothing",
    directives: "",
    clients: 6,
    reads: false,
    async send(client) {
      await client.frame(TEXT, 60 * MIB);
      await client.frame(TEXT, 60 * MIB);
    },
  },
  binaries: {
    title:
      "6 clients, 2 binaries of 60 MiB each, to an upstream that reads nothing",
    directives: "",
    clients: 6,
    reads: false,
    async send(client) {
      await client.frame(BINARY, 60 * MIB);
      await client.frame(BINARY, 60 * MIB);
    },
  },
  small: {
    title: "20 clients, messages of 64 KiB, to an upstream that reads nothing",
    directives: "",
    clients: 20,
    reads: false,
    async send(client) {
      for (let i = 0; i < 1000; i++) await client.frame(TEXT, 64 * 1024);
    },
  },
  echoed: {
    title: "6 clients, 5 texts of 60 MiB each, to an upstream that reads",
    directives: "",
    clients: 6,
    reads: true,
    async send(client) {
      for (let i = 0; i < 5; i++) await client.frame(TEXT, 60 * MIB);
    },
  },
  unfinished: {
    title: "8 clients, each all but a byte of a frame of 60 MiB",
    directives: "",
    clients: 8,
    reads: true,
    send: (client) => client.frame(BINARY, 60 * MIB, { less: 1 }),
  },
  fragments: {
    title: "1 client, 700 MB of fragments of 60 kB, a limit of 64k",
    directives: ", websocket_max_message_size: 64k",
    clients: 1,
    reads: true,
    async send(client) {
      await client.frame(BINARY, 60_000, { final: false });
      for (let i = 0; i < 700_000 / 60; i++) {
        await client.frame(0, 60_000, { final: false });
      }
    },
  },
};

/** Accepts WebSockets, and reads from them or does not. */
async function acceptAll(listener: Deno.Listener, reads: boolean) {
  for await (const connection of listener) {
    (async () => {
      const request = await readHead(connection);
      const key = /^sec-websocket-key: (.*)\r$/im.exec(request)?.[1];
      const accept = createHash("sha1")
        .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      await connection.write(
        new TextEncoder().encode(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
            `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        ),
      );
      if (!reads) return;
      const buffer = new Uint8Array(256 * 1024);
      while (await connection.read(buffer) !== null);
      connection.close();
    })().catch(() => {});
  }
}

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
async function openClient(url: string): Promise<Client> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(
    new TextEncoder().encode(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\n` +
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
  );
  const head = await readHead(connection);
  if (!head.startsWith("HTTP/1.1 101")) throw new Error(head);
  return new Client(connection);
}

async function run({ title, directives, clients, reads, send }: Scenario) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  acceptAll(listener, reads);
  await using proxy = await startProxyProcess(`listen: 127.0.0.1:0
access_log: off
locations:
  /: {proxy_pass: "http://127.0.0.1:${port}"${directives}}
`);
  const before = await residentMiB(proxy.pid);
  using watch = watchResident(proxy.pid);
  const open = await Promise.all(
    Array.from({ length: clients }, () => openClient(proxy.url)),
  );
  await Promise.all(open.map((client) => send(client).catch(() => {})));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const after = await residentMiB(proxy.pid);
  for (const { connection } of open) connection.close();
  await new Promise((resolve) => setTimeout(resolve, 6_500));
  const end = await residentMiB(proxy.pid);
  listener.close();
  const mib = (n: number) => n.toFixed(0).padStart(5);
  console.log(
    `${mib(before)} ${mib(watch.peak)} ${mib(after)} ${mib(end)}  ${title}`,
  );
}

console.log("resident MiB: before, peak, all sent, all clients gone");
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (Deno.args.length === 0 || Deno.args.includes(name)) await run(scenario);
}
Deno.exit();
