/**
 * An experiment, no part of the product: `floor_headers.ts` with a rough
 * HTTP/1.1 client of its own over `Deno.connect` in place of `fetch`. For GET and POST it knows
 * keep-alive, lengths and chunks, and nothing of time-outs or retries.
 *
 *     deno task bench --only=small --proxy=floor,floor-own-client
 *
 * @module
 */
import { HOP_BY_HOP } from "../lib/exchange/headers.ts";

const [port, upstream = ""] = Deno.args;
const [hostname = "", upstreamPort] = upstream.split(":");

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NONE = new Uint8Array(0);

/** A connection to the upstream, and what was read of it ahead. */
class Connection {
  readonly #buffer = new Uint8Array(64 * 1024);
  #start = 0;
  #end = 0;

  constructor(readonly conn: Deno.TcpConn) {
    conn.setNoDelay(true);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.conn.write(bytes.subarray(at));
    }
  }

  /** The text up to an empty line, or up to a line's end. */
  async until(mark: string): Promise<string> {
    // Of what has been read, counted from the start: that may move.
    let seen = 0;
    while (true) {
      const at = this.#find(mark, this.#start + seen);
      if (at !== -1) {
        const text = decoder.decode(this.#buffer.subarray(this.#start, at));
        this.#start = at + mark.length;
        return text;
      }
      seen = Math.max(0, this.#end - this.#start - mark.length);
      if (await this.#more() === 0) throw new Error("closed");
    }
  }

  /** Up to so many bytes; none at the end. */
  async bytes(most: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#start === this.#end && await this.#more() === 0) return NONE;
    const count = Math.min(most, this.#end - this.#start);
    const bytes = this.#buffer.slice(this.#start, this.#start + count);
    this.#start += count;
    return bytes;
  }

  #find(mark: string, from: number): number {
    const last = mark.charCodeAt(mark.length - 1);
    let at = from + mark.length - 1;
    while (true) {
      at = this.#buffer.indexOf(last, at);
      if (at === -1 || at >= this.#end) return -1;
      let i = mark.length - 2;
      while (i >= 0 && this.#before(at, mark, i)) i--;
      if (i < 0) return at - mark.length + 1;
      at++;
    }
  }

  #before(at: number, mark: string, i: number): boolean {
    return this.#buffer[at - mark.length + 1 + i] === mark.charCodeAt(i);
  }

  async #more(): Promise<number> {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
    } else if (this.#end === this.#buffer.length) {
      if (this.#start === 0) throw new Error("too long a head");
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const count = await this.conn.read(this.#buffer.subarray(this.#end)) ?? 0;
    this.#end += count;
    return count;
  }
}

const idle: Connection[] = [];

async function ask(request: Request): Promise<Response> {
  const { url, method } = request;
  const connection = idle.pop() ??
    new Connection(
      await Deno.connect({ hostname, port: Number(upstreamPort) }),
    );
  let head = `${method} ${url.slice(url.indexOf("/", 8))} HTTP/1.1\r\n`;
  request.headers.forEach((value, name) => {
    if (!HOP_BY_HOP.has(name)) head += `${name}: ${value}\r\n`;
  });
  const sent = request.body === null
    ? NONE
    : new Uint8Array(await request.arrayBuffer());
  await connection.write(encoder.encode(head + "\r\n"));
  if (sent.length > 0) await connection.write(sent);
  const lines = (await connection.until("\r\n\r\n")).split("\r\n");
  const headers: [string, string][] = [];
  let length = Infinity;
  let chunked = false;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? "";
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "content-length") length = Number(value);
    if (name === "transfer-encoding") chunked = true;
    if (!HOP_BY_HOP.has(name)) headers.push([name, value]);
  }
  const status = Number(lines[0]?.slice(9, 12));
  const empty = method === "HEAD" || status === 204 || status === 304;
  const pieces = empty || length === 0
    ? null
    : chunked
    ? chunks(connection)
    : plain(connection, length);
  const done = () => {
    if (chunked || length !== Infinity || empty) idle.push(connection);
    else connection.conn.close();
  };
  if (pieces === null) {
    done();
    return new Response(null, { status, headers });
  }
  const first = await pieces.next();
  // A short one needs no stream.
  if (!chunked && !first.done && first.value.length === length) {
    done();
    return new Response(first.value, { status, headers });
  }
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const next = first.done || taken ? await pieces.next() : first;
      taken = true;
      if (!next.done) return controller.enqueue(next.value);
      done();
      controller.close();
    },
  }, { highWaterMark: 0 });
  let taken = false;
  return new Response(body, { status, headers });
}

async function* plain(connection: Connection, length: number) {
  while (length > 0) {
    const bytes = await connection.bytes(length);
    if (bytes.length === 0) return;
    length -= bytes.length;
    yield bytes;
  }
}

async function* chunks(connection: Connection) {
  while (true) {
    const size = parseInt(await connection.until("\r\n"), 16);
    yield* plain(connection, size);
    await connection.until("\r\n");
    if (size === 0) return;
  }
}

Deno.serve(
  { port: Number(port), hostname: "127.0.0.1", onListen() {} },
  ask,
);
