/**
 * Connecting to a server: TCP or a unix socket, and TLS.
 *
 * @module
 */
import type { UpstreamAddress } from "../../config/plan.ts";
import type { Cancellable, Cancellation } from "../../exchange/cancellation.ts";
import type { Deadlines } from "../../exchange/deadline.ts";
import { connectionFailure, type Stage, UpstreamError } from "../errors.ts";

/**
 * Connects.
 *
 * @param secure Whether to speak TLS, with HTTP/1.1 (RFC 7301).
 * @param timeout Milliseconds, the TLS handshake included.
 * @throws {UpstreamError} `unconnected` after that time; else why it failed.
 * @throws The cancellation's reason.
 */
export async function connect(
  address: UpstreamAddress,
  secure: boolean,
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
    return await attempt.connect(address, secure);
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

  async connect(address: UpstreamAddress, secure: boolean): Promise<Deno.Conn> {
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
    if (secure) {
      this.stage = "tls";
      const tls = await Deno.startTls(tcp, {
        hostname,
        alpnProtocols: ["http/1.1"],
      });
      this.#conn = tls;
      this.#checkReason();
      await tls.handshake();
    }
    this.#checkReason();
    return this.#conn;
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
