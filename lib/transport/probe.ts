/**
 * One request on a connection of its own, for a diagnosis: what comes is reported
 * as it is, even where it is not HTTP. Nothing is retried, kept or followed.
 *
 * @module
 */
import type { Field } from "../exchange/fields.ts";
import { LATE, within } from "../exchange/timeout.ts";
import { connectionFailure, HeadError, type Stage } from "./errors.ts";
import type { UpstreamFailure } from "./errors.ts";
import { KnownLines } from "./http1/known_lines.ts";
import {
  endOfHead,
  HEAD_LIMIT,
  mayBeHead,
  parseHead,
  type ResponseHead,
} from "./http1/response_head.ts";

/** Where to ask. */
export interface ProbeTarget {
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Whether to speak TLS. */
  readonly secure: boolean;
}

/** What to ask. */
export interface ProbeRequest {
  readonly method: string;
  /** A byte string that begins with `/`. */
  readonly target: string;
  /** Without `Connection` and `Content-Length`. */
  readonly fields: readonly Field[];
  readonly body?: string;
}

/** A response. */
export interface ProbeAnswer {
  /** 101, or 200 to 599. */
  readonly status: number;
  /** The end-to-end ones, names in lower case. */
  readonly fields: readonly Field[];
  /** What had come of the body in time, up to the limit, decoded as UTF-8. */
  readonly body: string;
  /** The time in the middle of the exchange, as of `Date.now()`. */
  readonly at: number;
}

/** There was no response. */
export class ProbeError extends Error {
  override readonly name = "ProbeError";

  constructor(
    readonly failure: UpstreamFailure,
    /** The first bytes that came, a char per byte; empty if none did. */
    readonly received: string,
    options?: ErrorOptions,
  ) {
    super(failure, options);
  }
}

/** Bytes of a body that are read at the most. */
const BODY_LIMIT = 4 * 1024 * 1024;

/** First bytes that an error keeps. */
const RECEIVED = 80;

/**
 * Sends one request and reads its response.
 *
 * @param timeout Milliseconds for the response's head, and for its body again.
 * @throws {ProbeError} if there is no response.
 */
export async function probe(
  target: ProbeTarget,
  request: ProbeRequest,
  timeout: number,
): Promise<ProbeAnswer> {
  const exchange = new ProbeExchange();
  try {
    const head = await within(exchange.head(target, request), timeout);
    if (head === LATE) {
      const failure = exchange.stage === "connect" ? "unconnected" : "timeout";
      throw new ProbeError(failure, exchange.first);
    }
    const { status, fields } = head;
    const at = exchange.sentAt + (Date.now() - exchange.sentAt) / 2;
    const reading = exchange.body(head);
    // What has come by then is enough: a stream of events has no end.
    await within(reading, isEndless(fields) ? 0 : timeout);
    return { status, fields, body: exchange.text(head), at };
  } catch (cause) {
    if (cause instanceof ProbeError) throw cause;
    const failure = connectionFailure(cause, exchange.stage);
    throw new ProbeError(failure, exchange.first, { cause });
  } finally {
    exchange.close();
  }
}

function isEndless(fields: readonly Field[]): boolean {
  return fields.some(([name, value]) =>
    name === "content-type" && value.startsWith("text/event-stream")
  );
}

class ProbeExchange {
  stage: Stage = "connect";
  /** When the request was sent, as of `Date.now()`. */
  sentAt = 0;
  #conn: Deno.Conn | null = null;
  #isClosed = false;
  readonly #giveUp = new AbortController();
  #bytes = new Uint8Array(0);
  #bodyStart = 0;

  /** Connects, sends the request, and reads the head. */
  async head(
    target: ProbeTarget,
    request: ProbeRequest,
  ): Promise<ResponseHead> {
    const conn = await this.#connect(target);
    this.stage = "head";
    this.sentAt = Date.now();
    await writeAll(conn, textOf(request));
    for (;;) {
      const end = endOfHead(this.#bytes, this.#bodyStart, this.#bytes.length);
      if (end === -1) {
        await this.#readHead();
        continue;
      }
      const text = byteString(this.#bytes.subarray(this.#bodyStart, end));
      const head = parseHead(text, request.method, new KnownLines());
      this.#bodyStart = end;
      // RFC 9110 section 15.2: others precede the response.
      if (head.status === 101 || head.status >= 200) return head;
    }
  }

  async #connect({ hostname, port, secure }: ProbeTarget): Promise<Deno.Conn> {
    const { signal } = this.#giveUp;
    let tcp: Deno.TcpConn;
    try {
      tcp = await Deno.connect({ hostname, port, signal });
    } catch (error) {
      // Deno 2.9.6 tries the first address of a name only; browsers try all.
      if (hostname !== "localhost") throw error;
      tcp = await Deno.connect({ hostname: "::1", port, signal }).catch(() => {
        throw error;
      });
    }
    this.#keep(tcp);
    if (!secure) return tcp;
    this.stage = "tls";
    const tls = await Deno.startTls(tcp, {
      hostname,
      alpnProtocols: ["http/1.1"],
    });
    this.#keep(tls);
    await tls.handshake();
    return tls;
  }

  #keep(conn: Deno.Conn): void {
    this.#conn = conn;
    if (this.#isClosed) this.close();
  }

  async #readHead(): Promise<void> {
    const more = await this.#read();
    const { length } = this.#bytes;
    if (!mayBeHead(this.#bytes, this.#bodyStart, length)) {
      throw new HeadError(null);
    }
    if (length > HEAD_LIMIT) throw new HeadError("a head that is too long");
    if (!more) {
      if (length > 0) throw new HeadError("an incomplete head");
      throw new Deno.errors.UnexpectedEof("closed before a response");
    }
  }

  /** Reads the body, as far as it comes. */
  async body({ framing, status }: ResponseHead): Promise<void> {
    if (framing.kind === "none" || status === 101) return;
    const wanted = framing.kind === "length" ? framing.length : BODY_LIMIT;
    const end = this.#bodyStart + Math.min(wanted, BODY_LIMIT);
    try {
      while (this.#bytes.length < end && await this.#read()) {
        if (framing.kind === "chunked" && this.#hasLastChunk()) return;
      }
    } catch {
      // What has come is the evidence.
    }
  }

  #hasLastChunk(): boolean {
    return byteString(this.#bytes.subarray(-7)).endsWith("\r\n0\r\n\r\n");
  }

  text({ framing }: ResponseHead): string {
    const raw = this.#bytes.subarray(this.#bodyStart);
    const bytes = framing.kind === "chunked" ? unchunked(raw) : raw;
    return new TextDecoder().decode(bytes);
  }

  get first(): string {
    return byteString(this.#bytes.subarray(0, RECEIVED));
  }

  async #read(): Promise<boolean> {
    const chunk = new Uint8Array(64 * 1024);
    const count = await this.#conn?.read(chunk) ?? null;
    if (count === null) return false;
    const all = new Uint8Array(this.#bytes.length + count);
    all.set(this.#bytes);
    all.set(chunk.subarray(0, count), this.#bytes.length);
    this.#bytes = all;
    return true;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#conn === null) this.#giveUp.abort();
    try {
      this.#conn?.close();
    } catch {
      // Closed already.
    }
  }
}

function textOf({ method, target, fields, body }: ProbeRequest): string {
  const own: Field[] = fields.some(([name]) => name === "upgrade")
    ? [["connection", "Upgrade"]]
    : [["connection", "close"]];
  if (body !== undefined) own.push(["content-length", String(body.length)]);
  const lines = [...fields, ...own].map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${target} HTTP/1.1`, ...lines, "", body ?? ""]
    .join("\r\n");
}

async function writeAll(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}

function byteString(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** The content of chunks (RFC 9112 section 7.1), as far as they have come. */
function unchunked(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf(0x0a, at);
    if (lineEnd === -1) break;
    const size = parseInt(byteString(bytes.subarray(at, lineEnd)), 16);
    if (!(size > 0)) break;
    parts.push(bytes.subarray(lineEnd + 1, lineEnd + 1 + size));
    at = lineEnd + 1 + size + 2;
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
