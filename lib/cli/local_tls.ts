/**
 * TLS to the proxy that runs on this machine.
 *
 * @module
 */
import { connect, type TLSSocket } from "node:tls";

/** A connection, as `Deno.Conn` is one. */
export interface LocalConnection {
  /** @returns The number of bytes, null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/**
 * Connects. The certificate is not checked: it is for the site's names, not for
 * `localhost`, and may be the very thing that is to be replaced by a reload.
 * `Deno.connectTls` always checks it.
 *
 * @throws {Error} of the system, or if the handshake fails.
 */
export async function connectLocalTls(
  to: { hostname: string; port: number },
): Promise<LocalConnection> {
  const socket = connect({
    host: to.hostname,
    port: to.port,
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  return new TlsConnection(socket);
}

class TlsConnection implements LocalConnection {
  readonly #socket: TLSSocket;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
    socket.on("error", () => {
      // The reader is told.
    });
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return null;
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(
        bytes,
        (error) => error ? reject(error) : resolve(bytes.length),
      );
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
