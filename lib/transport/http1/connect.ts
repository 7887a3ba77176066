/**
 * Connecting to a server: TCP or a unix socket, and TLS.
 *
 * @module
 */
import type { UpstreamAddress } from "../../config/plan.ts";
import type { Cancellable, Cancellation } from "../../exchange/cancellation.ts";
import type { Deadlines } from "../../exchange/deadline.ts";
import { LATE, within } from "../../exchange/timeout.ts";
import { connectionFailure, type Stage, UpstreamError } from "../errors.ts";
import { connectNodeTls, type NodeTlsConn } from "./node_tls.ts";
import type { TlsOptions } from "./tls_options.ts";

/** Milliseconds after which an attempt to connect that was given up is ended. */
const GIVE_UP_DELAY = 1_000;

/** Makes the connections to one server. */
export class Connector {
  readonly #address: UpstreamAddress;
  readonly #tls: TlsOptions | null;
  readonly #deadlines: Deadlines;
  /** Attempts that were given up and have not ended yet. */
  readonly #late = new Set<AbortController>();

  /** @param tls How to speak TLS, with HTTP/1.1 (RFC 7301); null for not. */
  constructor(
    address: UpstreamAddress,
    tls: TlsOptions | null,
    deadlines: Deadlines,
  ) {
    this.#address = address;
    this.#tls = tls;
    this.#deadlines = deadlines;
  }

  /**
   * Connects.
   *
   * @param timeout Milliseconds, the TLS handshake included.
   * @throws {UpstreamError} `unconnected` after that time; else why it failed.
   * @throws The cancellation's reason.
   */
  async connect(
    timeout: number,
    cancellation: Cancellation,
  ): Promise<Deno.Conn> {
    const { name } = this.#address;
    const attempt = new Attempt(this.#late);
    const deadline = this.#deadlines.start(
      timeout,
      () =>
        attempt.cancelled(
          new UpstreamError("unconnected", name, { sent: false }),
        ),
    );
    cancellation.listen(attempt);
    try {
      return await attempt.connect(this.#address, this.#tls);
    } catch (cause) {
      attempt.close();
      if (attempt.reason !== null) throw attempt.reason;
      const failure = connectionFailure(cause, attempt.stage);
      throw new UpstreamError(failure, name, { cause, sent: false });
    } finally {
      this.#deadlines.stop(deadline);
      cancellation.listen(null);
    }
  }

  /** Ends the attempts that were given up. */
  close(): void {
    for (const giveUp of this.#late) giveUp.abort();
  }
}

/** What has to be closed if an attempt fails, whichever stage it is at. */
class Attempt implements Cancellable {
  stage: Stage = "connect";
  reason: Error | null = null;
  readonly #late: Set<AbortController>;
  readonly #abort = new AbortController();
  #conn: Deno.Conn | null = null;

  constructor(late: Set<AbortController>) {
    this.#late = late;
  }

  async connect(
    address: UpstreamAddress,
    options: TlsOptions | null,
  ): Promise<Deno.Conn> {
    if (options !== null && needsNode(address, options)) {
      return await this.#connectByNode(address, options);
    }
    if (address.transport === "unix") {
      this.#conn = await Deno.connect(address);
      this.#checkReason();
      return this.#conn;
    }
    const { hostname, port } = address;
    const { signal } = this.#abort;
    const tcp = await connectTcp(hostname, port, signal, this.#late);
    this.#conn = tcp;
    // What is written in several packets would wait for the other side's
    // delayed acknowledgement.
    tcp.setNoDelay(true);
    tcp.setKeepAlive(true);
    if (options !== null) {
      this.stage = "tls";
      const tls = await Deno.startTls(tcp, {
        hostname: options.hostname,
        alpnProtocols: ["http/1.1"],
      });
      this.#conn = tls;
      this.#checkReason();
      await tls.handshake();
    }
    this.#checkReason();
    return this.#conn;
  }

  async #connectByNode(
    address: UpstreamAddress,
    options: TlsOptions,
  ): Promise<Deno.Conn> {
    const conn: NodeTlsConn = await connectNodeTls(address, options);
    this.#conn = conn;
    this.#checkReason();
    try {
      await conn.handshake();
    } finally {
      this.stage = conn.stage;
    }
    this.#checkReason();
    return conn;
  }

  cancelled(reason: Error): void {
    this.reason ??= reason;
    this.#abort.abort();
    this.close();
  }

  /** What came meanwhile has found nothing to close. */
  #checkReason(): void {
    if (this.reason !== null) throw this.reason;
  }

  close(): void {
    try {
      this.#conn?.close();
    } catch {
      // Closed already.
    }
  }
}

/**
 * Whether it is more than `Deno.startTls` can do (Deno 2.9.6): to `caCerts` it
 * adds the public authorities.
 */
function needsNode(
  { transport }: UpstreamAddress,
  { trusted, verify, certificate }: TlsOptions,
): boolean {
  return transport === "unix" || trusted !== null || !verify ||
    certificate !== null;
}

/**
 * Connects. Deno 2.9.6 leaks a connection that is established in the very moment
 * in which the signal given to `Deno.connect` aborts (30 of 630 did); so an attempt
 * that is given up has a second to be established, and is closed then.
 *
 * @throws The signal's reason.
 */
async function connectTcp(
  hostname: string,
  port: number,
  signal: AbortSignal,
  late: Set<AbortController>,
): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  const giveUp = new AbortController();
  const connecting = Deno.connect({ hostname, port, signal: giveUp.signal });
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([connecting, aborted.promise]);
  } catch (error) {
    closeLate(connecting, giveUp, late);
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Closes what an attempt comes to that nobody waits for any more. */
async function closeLate(
  connecting: Promise<Deno.TcpConn>,
  giveUp: AbortController,
  late: Set<AbortController>,
): Promise<void> {
  late.add(giveUp);
  try {
    const connection = await within(connecting, GIVE_UP_DELAY);
    if (connection === LATE) giveUp.abort();
    else connection.close();
  } catch {
    // It came to nothing.
  } finally {
    late.delete(giveUp);
  }
}
