/**
 * TLS by `node:tls`, for what `Deno.startTls` can't do (Deno 2.9.6): a
 * certificate of our own, authorities in place of the public ones, a server whose
 * certificate is not verified, and TLS over a unix socket.
 *
 * @module
 */
import type { TLSSocket } from "node:tls";
import type { UpstreamAddress } from "../../config/plan.ts";
import type { Stage } from "../errors.ts";
import type { TlsOptions } from "./tls_options.ts";

/** A connection by `node:tls`, in the shape of Deno's. */
export class NodeTlsConn implements Deno.Conn {
  /** How far it has come. */
  stage: Stage = "connect";
  readonly localAddr: Deno.Addr = { transport: "tcp", hostname: "", port: 0 };
  readonly remoteAddr: Deno.Addr = this.localAddr;
  readonly #socket: TLSSocket;
  readonly #secured = Promise.withResolvers<void>();
  #error: Error | null = null;
  #ended = false;
  /** Ends the waiting of a read. */
  #wake: () => void = () => {};

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    const wake = () => this.#wake();
    socket.on("connect", () => this.stage = "tls");
    socket.on("secureConnect", () => this.#secured.resolve());
    socket.on("readable", wake);
    socket.on("end", () => {
      this.#ended = true;
      wake();
    });
    socket.on("error", (error: Error) => this.#fail(denoError(error)));
    socket.on(
      "close",
      () => this.#fail(new Deno.errors.BadResource("the connection is closed")),
    );
    // It is awaited by whoever has this, or nobody is left.
    this.#secured.promise.catch(() => {});
  }

  /** Resolves when the handshake is done. */
  handshake(): Promise<void> {
    return this.#secured.promise;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (true) {
      const bytes = this.#take(into.length);
      if (bytes !== null) {
        into.set(bytes);
        return bytes.length;
      }
      if (this.#ended) return null;
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** At most so many bytes of what has come; null for nothing. */
  #take(most: number): Uint8Array | null {
    const { readableLength } = this.#socket;
    return readableLength === 0
      ? null
      : this.#socket.read(Math.min(readableLength, most));
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#error !== null) return Promise.reject(this.#error);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#socket.write(bytes, (error?: Error | null) => {
      if (error) reject(this.#error ?? denoError(error));
      else resolve(bytes.length);
    });
    return promise;
  }

  close(): void {
    this.#fail(new Deno.errors.BadResource("the connection is closed"));
    this.#socket.destroy();
  }

  closeWrite(): Promise<void> {
    this.#socket.end();
    return Promise.resolve();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#secured.reject(this.#error);
    this.#wake();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  get readable(): never {
    throw new Error("not supported: use read");
  }

  get writable(): never {
    throw new Error("not supported: use write");
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Begins to connect. It is loaded at the first use: that takes some 10 ms. */
export async function connectNodeTls(
  address: UpstreamAddress,
  { hostname, trusted, verify, certificate }: TlsOptions,
): Promise<NodeTlsConn> {
  const [{ connect }, { isIP }] = await Promise.all([
    import("node:tls"),
    import("node:net"),
  ]);
  const to = address.transport === "unix"
    ? { path: address.path }
    : { host: address.hostname, port: address.port };
  const socket = connect({
    ...to,
    // RFC 6066 section 3: an address is no name to be asked for.
    servername: isIP(hostname) === 0 ? hostname : "",
    rejectUnauthorized: verify,
    ALPNProtocols: ["http/1.1"],
    ...trusted === null ? {} : { ca: trusted },
    ...certificate === null
      ? {}
      : { cert: certificate.chain, key: certificate.key },
  });
  socket.setNoDelay(true);
  return new NodeTlsConn(socket);
}

/** Deno's class for an error of Node's, by which its kind is told. */
function denoError(error: Error): Error {
  const { errors } = Deno;
  switch ((error as { code?: string }).code) {
    case "ECONNREFUSED":
      return new errors.ConnectionRefused(error.message, { cause: error });
    case "ENOENT":
      return new errors.NotFound(error.message, { cause: error });
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new URIError(error.message, { cause: error });
    default:
      return new errors.ConnectionReset(error.message, { cause: error });
  }
}
