/**
 * A client for the proxy that runs on this machine: one request, one small
 * response.
 *
 * @module
 */
import { readListen } from "../config/directives/listen.ts";
import type { ListenAddress } from "../config/plan.ts";
import { ValueError } from "../config/words.ts";
import { LATE, within } from "../exchange/timeout.ts";
import { UsageError } from "./arguments.ts";
import type { LocalConnection } from "./local_tls.ts";

/** The largest response head that is read, in bytes. */
const MAX_HEAD = 64 * 1024;

/** The largest response body that is read, in bytes. */
const MAX_BODY = 1024 * 1024;

/** A response, read whole. */
export interface SmallResponse {
  /** 200 to 599. */
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** There was no whole response in time. */
export class NoResponse extends Error {
  override readonly name = "NoResponse";
}

/** What came is not a response that is believed; the message says why. */
export class InvalidResponse extends Error {
  override readonly name = "InvalidResponse";
}

/** The other side speaks TLS, not HTTP. */
class SpeaksTls extends InvalidResponse {
  constructor() {
    super("speaks TLS");
  }
}

/**
 * Sends a request on its own connection and reads the response. Whether the
 * address has TLS need not be known: it is asked once more with it, if so.
 *
 * @param head The request's lines, without `Host` and `Connection`.
 * @param timeout Milliseconds for all of it, the connecting included.
 * @throws {NoResponse} if it takes longer.
 * @throws {InvalidResponse} for anything but one HTTP/1 response of a known
 * length, at most 1 MiB.
 * @throws {Error} of the system if there is no connection, or it breaks.
 */
export async function ask(
  address: ListenAddress,
  head: readonly string[],
  timeout: number,
): Promise<SmallResponse> {
  const begun = performance.now();
  try {
    return await askOver(connect(address), head, timeout);
  } catch (error) {
    if (!(error instanceof SpeaksTls) || address.transport === "unix") {
      throw error;
    }
    // Loaded only where it is needed, for a faster start.
    const { connectLocalTls } = await import("./local_tls.ts");
    const left = timeout - (performance.now() - begun);
    return await askOver(connectLocalTls(reachable(address)), head, left);
  }
}

async function askOver(
  connecting: Promise<LocalConnection>,
  head: readonly string[],
  timeout: number,
): Promise<SmallResponse> {
  const lines = [...head, "Host: localhost", "Connection: close", "", ""];
  const asking = (async () => {
    const connection = await connecting;
    await writeAll(connection, new TextEncoder().encode(lines.join("\r\n")));
    return await readResponse(connection);
  })();
  try {
    const response = await within(asking, timeout);
    if (response === LATE) throw new NoResponse();
    return response;
  } finally {
    connecting.then((connection) => connection.close(), () => {});
  }
}

/**
 * The address of `--listen`.
 *
 * @throws {UsageError} if it is invalid.
 */
export function listenOption(listen: string): ListenAddress {
  try {
    return readListen(listen).address;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new UsageError(
      `--listen: ${error.message}`,
      "Write it as --listen 9001 or --listen 127.0.0.1:9001, or omit it.",
    );
  }
}

/** The address that {@linkcode ask} connects to, as text. */
export function nameOf(address: ListenAddress): string {
  if (address.transport === "unix") return `unix:${address.path}`;
  const { hostname, port } = reachable(address);
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

/**
 * Why {@linkcode ask} failed, to follow the address in a message.
 *
 * @param timeout As it was given.
 */
export function whyNot(error: unknown, timeout: number): string {
  if (error instanceof NoResponse) {
    return `gave no answer in ${timeout / 1000} s`;
  }
  if (error instanceof InvalidResponse) return error.message;
  if (error instanceof Deno.errors.ConnectionRefused) {
    return "refuses the connection: nothing listens there";
  }
  return `can't be reached: ${
    error instanceof Error ? error.message : String(error)
  }`;
}

function connect(address: ListenAddress): Promise<Deno.Conn> {
  if (address.transport === "unix") {
    return Deno.connect({ transport: "unix", path: address.path });
  }
  return Deno.connect(reachable(address));
}

/** For "all addresses", which can't be connected to, the loopback address. */
function reachable(
  { hostname, port }: ListenAddress & { transport: "tcp" },
): { hostname: string; port: number } {
  switch (hostname) {
    case "0.0.0.0":
    case "":
      return { hostname: "127.0.0.1", port };
    case "::":
    case "[::]":
      return { hostname: "::1", port };
    default:
      return { hostname: hostname.replace(/^\[|\]$/g, ""), port };
  }
}

async function writeAll(
  connection: LocalConnection,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
}

/** Reads one response (RFC 9112), strictly: nothing is guessed. */
async function readResponse(
  connection: LocalConnection,
): Promise<SmallResponse> {
  const received = new Received(connection);
  const { status, headers } = parseHead(await received.head());
  if (headers.has("transfer-encoding")) {
    throw new InvalidResponse("answers with a Transfer-Encoding");
  }
  const noBody = status === 204 || status === 304;
  const length = noBody ? 0 : lengthIn(headers);
  return { status, headers, body: await received.body(length) };
}

/** The bytes that have come on a connection. */
class Received {
  readonly #connection: LocalConnection;
  #bytes = new Uint8Array(0);
  #ended = false;

  constructor(connection: LocalConnection) {
    this.#connection = connection;
  }

  /** Takes the head, without the empty line at its end; a char per byte. */
  async head(): Promise<string> {
    for (let from = 0;;) {
      const end = indexOfHeadEnd(this.#bytes, from);
      if (end !== -1) {
        const head = this.#bytes.subarray(0, end);
        this.#bytes = this.#bytes.subarray(end + 4);
        return Array.from(head, (byte) => String.fromCharCode(byte)).join("");
      }
      if (this.#bytes.length > MAX_HEAD) {
        throw new InvalidResponse("does not speak HTTP");
      }
      from = Math.max(0, this.#bytes.length - 3);
      await this.#read();
      if (!this.#ended) continue;
      // An alert (RFC 8446 section 5.1): content type, and version 3.x.
      const [type, version] = this.#bytes;
      if (type === 21 && version === 3) throw new SpeaksTls();
      throw new InvalidResponse("does not speak HTTP");
    }
  }

  /** @param length In bytes; null for all until the connection is closed. */
  async body(length: number | null): Promise<Uint8Array> {
    const most = length ?? MAX_BODY;
    while (!this.#ended && this.#bytes.length < (length ?? Infinity)) {
      await this.#read();
      if (this.#bytes.length > most) break;
    }
    if (this.#bytes.length > most) {
      throw new InvalidResponse(
        length === null
          ? `answers with more than ${MAX_BODY} bytes`
          : "answers with more than its Content-Length",
      );
    }
    if (length !== null && this.#bytes.length < length) {
      throw new InvalidResponse("closed the connection within its answer");
    }
    return this.#bytes;
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(16 * 1024);
    const count = await this.#connection.read(chunk);
    if (count === null) {
      this.#ended = true;
      return;
    }
    const all = new Uint8Array(this.#bytes.length + count);
    all.set(this.#bytes);
    all.set(chunk.subarray(0, count), this.#bytes.length);
    this.#bytes = all;
  }
}

/** Where CR LF CR LF begins, -1 if it has not come. */
function indexOfHeadEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 3 < bytes.length; at++) {
    if (
      bytes[at] === 0x0d && bytes[at + 1] === 0x0a &&
      bytes[at + 2] === 0x0d && bytes[at + 3] === 0x0a
    ) return at;
  }
  return -1;
}

function parseHead(head: string): { status: number; headers: Headers } {
  const [statusLine = "", ...fields] = head.split("\r\n");
  // RFC 9112 section 4. An interim response (1xx) answers no request of ours.
  const status = /^HTTP\/1\.[01] ([2-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
    .exec(statusLine)?.[1];
  if (status === undefined) throw new InvalidResponse("does not speak HTTP");
  const headers = new Headers();
  for (const field of fields) {
    const [, name, value] =
      /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/.exec(field) ??
        [];
    if (name === undefined || value === undefined) {
      throw new InvalidResponse("answers with an invalid header");
    }
    headers.append(name, value);
  }
  return { status: Number(status), headers };
}

/** The Content-Length, null without one. */
function lengthIn(headers: Headers): number | null {
  const value = headers.get("content-length");
  if (value === null) return null;
  // Two of them, joined by a comma, match neither.
  if (!/^\d{1,15}$/.test(value)) {
    throw new InvalidResponse("answers with an invalid Content-Length");
  }
  const length = Number(value);
  if (length > MAX_BODY) {
    throw new InvalidResponse(`answers with more than ${MAX_BODY} bytes`);
  }
  return length;
}
