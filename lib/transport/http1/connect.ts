/**
 * Connecting to a server: TCP or a unix socket, and TLS.
 *
 * @module
 */
import type { UpstreamAddress, UpstreamTls } from "../../config/plan.ts";
import type { Cancellable, Cancellation } from "../../exchange/cancellation.ts";
import type { Deadlines } from "../../exchange/deadline.ts";
import { connectionFailure, type Stage, UpstreamError } from "../errors.ts";
import { connectNodeTls, type NodeTlsConn } from "./node_tls.ts";

/** How TLS is spoken. */
export interface TlsOptions extends Omit<UpstreamTls, "name"> {
  /** The name that is asked for and verified. */
  readonly hostname: string;
}

/** How TLS is spoken to a server; `plan` is null where the config says nothing of it. */
export function tlsOptions(
  address: UpstreamAddress,
  plan: UpstreamTls | null,
): TlsOptions {
  const { trusted = null, verify = true, certificate = null, name = null } =
    plan ?? {};
  const hostname = name ??
    (address.transport === "tcp" ? address.hostname : "localhost");
  return { hostname, trusted, verify, certificate };
}

/**
 * Connects.
 *
 * @param tls How to speak TLS, with HTTP/1.1 (RFC 7301); null for not.
 * @param timeout Milliseconds, the TLS handshake included.
 * @throws {UpstreamError} `unconnected` after that time; else why it failed.
 * @throws The cancellation's reason.
 */
export async function connect(
  address: UpstreamAddress,
  tls: TlsOptions | null,
  timeout: number,
  deadlines: Deadlines,
  cancellation: Cancellation,
): Promise<Deno.Conn> {
  const attempt = new Attempt();
  const deadline = deadlines.start(
    timeout,
    () =>
      attempt.cancelled(
        new UpstreamError("unconnected", address.name, { sent: false }),
      ),
  );
  cancellation.listen(attempt);
  try {
    return await attempt.connect(address, tls);
  } catch (cause) {
    attempt.close();
    if (attempt.reason !== null) throw attempt.reason;
    const failure = connectionFailure(cause, attempt.stage);
    throw new UpstreamError(failure, address.name, { cause, sent: false });
  } finally {
    deadlines.stop(deadline);
    cancellation.listen(null);
  }
}

/** What has to be closed if an attempt fails, whichever stage it is at. */
class Attempt implements Cancellable {
  stage: Stage = "connect";
  reason: Error | null = null;
  readonly #abort = new AbortController();
  #conn: Deno.Conn | null = null;

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
    const tcp = await Deno.connect({ hostname, port, signal });
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
        ...options.trusted === null ? {} : { caCerts: [options.trusted] },
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

/** Whether it is more than `Deno.startTls` can do (Deno 2.9.6). */
function needsNode(
  { transport }: UpstreamAddress,
  { verify, certificate }: TlsOptions,
): boolean {
  return transport === "unix" || !verify || certificate !== null;
}
