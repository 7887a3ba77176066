/**
 * Opens a WebSocket to an upstream: connection, TLS, handshake (RFC 6455
 * section 4).
 *
 * @module
 */
import type { UpstreamAddress } from "../config/plan.ts";
import { LATE, within } from "../exchange/timeout.ts";
import {
  UpstreamError,
  type UpstreamFailure,
} from "../transport/upstream_error.ts";
import { FrameDecoder, MAX_MESSAGE } from "./frames/decoder.ts";
import {
  acceptOf,
  HeadError,
  readHead,
  requestHead,
  type ResponseHead,
  tokensOf,
  valuesOf,
} from "./head.ts";
import { readBody, type Refusal } from "./refusal.ts";
import { UpstreamSocket, type WebSocketSupplies } from "./upstream_socket.ts";

/** Milliseconds that the body of a refusal may take. */
const REFUSAL_TIMEOUT = 5_000;
/** Milliseconds after which an abandoned attempt to connect is ended. */
const GIVE_UP_DELAY = 1_000;

export interface UpstreamHandshake {
  address: UpstreamAddress;
  /** Whether to speak TLS. */
  secure: boolean;
  /** Path and query. */
  target: string;
  /** The headers as they are to be sent, `host` among them. */
  headers: readonly (readonly [name: string, value: string])[];
  /** The sub-protocols as the client offers them, null for none. */
  protocols: string | null;
  /** Bytes of the longest message taken from the upstream; 0 is as many as can be. */
  maxMessageSize?: number;
}

/** Either a WebSocket, or the upstream's answer instead of one. */
export type HandshakeResult = { socket: UpstreamSocket } | { refusal: Refusal };

/**
 * Opens a WebSocket.
 *
 * @param signal Ends the attempt at any stage.
 * @param connected Called when there is a connection, TLS included.
 * @throws {TypeError} before connecting, for a target or header that can't be
 * sent as it is.
 * @throws {UpstreamError} if there is no answer, or one that is no handshake.
 * @throws The signal's reason, when it has aborted; a `TimeoutError` as an
 * `UpstreamError`.
 */
export async function openUpstream(
  handshake: UpstreamHandshake,
  supplies: WebSocketSupplies,
  signal: AbortSignal,
  connected: () => void = () => {},
): Promise<HandshakeResult> {
  const { address, protocols } = handshake;
  const key = crypto.getRandomValues(new Uint8Array(16)).toBase64();
  const head = requestHead(handshake.target, handshake.headers, key, protocols);
  signal.throwIfAborted();
  const attempt = new Attempt(handshake);
  const abort = () => attempt.close();
  signal.addEventListener("abort", abort);
  try {
    const connection = await attempt.connect(signal);
    attempt.stage = "head";
    connected();
    await writeAll(connection, head);
    const answer = await readHead(connection);
    if (answer === null) throw new UpstreamError("closed", address.name);
    if (answer.head.status !== 101) {
      const body = await attempt.readBody(answer.head, answer.rest);
      attempt.close();
      signal.throwIfAborted();
      return { refusal: { ...answer.head, body } };
    }
    const protocol = await check(answer.head, key, protocols);
    signal.throwIfAborted();
    const decoder = new FrameDecoder(
      answer.rest,
      supplies.messages,
      handshake.maxMessageSize || MAX_MESSAGE,
    );
    return {
      socket: new UpstreamSocket(connection, decoder, protocol, supplies),
    };
  } catch (cause) {
    attempt.close();
    if (signal.aborted) throw abortError(signal, address.name);
    if (cause instanceof UpstreamError) throw cause;
    const failure = failureOf(cause, attempt.stage);
    throw new UpstreamError(failure, address.name, { cause });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

type Stage = "connect" | "tls" | "head";

/** What has to be closed if the attempt fails, whichever stage it is at. */
class Attempt {
  stage: Stage = "connect";
  #connection: Deno.Conn | undefined;

  constructor(readonly handshake: UpstreamHandshake) {}

  async connect(signal: AbortSignal): Promise<Deno.Conn> {
    const { address, secure } = this.handshake;
    if (address.transport === "unix") {
      this.#connection = await Deno.connect(address);
    } else {
      const { hostname, port } = address;
      const tcp = await connectTcp(hostname, port, signal);
      this.#connection = tcp;
      // A message of several packets would wait for the other side's delayed
      // acknowledgement.
      tcp.setNoDelay(true);
      tcp.setKeepAlive(true);
      if (secure) {
        this.stage = "tls";
        const alpnProtocols = ["http/1.1"];
        const tls = await Deno.startTls(tcp, { hostname, alpnProtocols });
        this.#connection = tls;
        if (signal.aborted) this.close();
        await tls.handshake();
      }
    }
    signal.throwIfAborted();
    return this.#connection;
  }

  /** The body of a refusal, null if it does not come in time. */
  async readBody(head: ResponseHead, rest: Uint8Array) {
    if (this.#connection === undefined) return null;
    const timer = setTimeout(() => this.close(), REFUSAL_TIMEOUT);
    try {
      return await readBody(head, rest, this.#connection);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    try {
      this.#connection?.close();
    } catch {
      // Closed already.
    }
  }
}

/**
 * Connects. Deno 2.9.6 leaks a connection that is established in the very moment
 * in which the signal given to `Deno.connect` aborts; so an attempt that is given
 * up has a second to be established, and is closed then.
 */
async function connectTcp(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const giveUp = new AbortController();
  const connecting = Deno.connect({ hostname, port, signal: giveUp.signal });
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([connecting, aborted.promise]);
  } catch (error) {
    within(connecting, GIVE_UP_DELAY).then((late) => {
      if (late === LATE) giveUp.abort();
      else late.close();
    }).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array) {
  for (let done = 0; done < bytes.length;) {
    done += await connection.write(bytes.subarray(done));
  }
}

/**
 * Checks the answer to a handshake (RFC 6455 section 4.1).
 *
 * @returns The sub-protocol that was chosen, `""` for none.
 * @throws {HeadError}
 */
async function check(
  head: ResponseHead,
  key: string,
  protocols: string | null,
): Promise<string> {
  const has = (name: string, token: string) =>
    tokensOf(head, name).some((t) => t.toLowerCase() === token);
  if (!has("upgrade", "websocket")) throw new HeadError("no Upgrade");
  if (!has("connection", "upgrade")) throw new HeadError("no Connection");
  const accepts = valuesOf(head, "sec-websocket-accept");
  if (accepts.length !== 1 || accepts[0] !== await acceptOf(key)) {
    throw new HeadError("wrong Sec-WebSocket-Accept");
  }
  if (tokensOf(head, "sec-websocket-extensions").length > 0) {
    throw new HeadError("an extension nobody offered");
  }
  const chosen = valuesOf(head, "sec-websocket-protocol");
  if (chosen.length === 0) return "";
  const offered = (protocols ?? "").split(",").map((p) => p.trim());
  const [protocol] = chosen;
  if (chosen.length > 1 || !protocol || !offered.includes(protocol)) {
    throw new HeadError("a sub-protocol nobody offered");
  }
  return protocol;
}

function abortError(signal: AbortSignal, address: string): unknown {
  const { reason } = signal;
  return reason instanceof DOMException && reason.name === "TimeoutError"
    ? new UpstreamError("timeout", address, { cause: reason })
    : reason;
}

/** Which failure an error of Deno's connections means. */
function failureOf(error: unknown, stage: Stage): UpstreamFailure {
  const { errors } = Deno;
  if (error instanceof HeadError) return "invalid";
  if (error instanceof errors.TimedOut) return "timeout";
  if (stage === "tls") return "tls";
  if (stage === "head") return "closed";
  if (error instanceof errors.ConnectionRefused) return "refused";
  // A unix socket that is not there.
  if (error instanceof errors.NotFound) return "refused";
  // Deno 2.9.6 has no class for a name that can't be resolved, only words; a
  // name that is none is a URIError.
  const unresolved = error instanceof URIError || error instanceof Error &&
      error.message.startsWith("failed to lookup address information");
  return unresolved ? "unresolved" : "unreachable";
}
