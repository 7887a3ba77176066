/**
 * The door of an upstream's server, which fails as it is told to.
 *
 * @module
 */

/** How a server fails: nobody listens, nothing is answered, or all is reset. */
export type Fault = "refused" | "hung" | "reset";

/** Hands connections on to a port of 127.0.0.1, unless it is failing. */
export class Gate implements AsyncDisposable {
  readonly port: number;
  /** How often all of its connections have been cut. */
  cuts = 0;
  #fault: Fault | null = null;
  #listener: Deno.TcpListener;
  #mended = Promise.withResolvers<void>();
  readonly #target: number;
  readonly #open = new Set<Deno.Conn>();
  readonly #running = new Set<Promise<void>>();

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#run(this.#accept(this.#listener));
  }

  /** Fails from now on. */
  fail(fault: Fault): void {
    this.#fault = fault;
    if (fault === "hung") return;
    if (fault === "refused") this.#listener.close();
    this.#cut();
  }

  /** Is well again; what hung goes on where it was. */
  mend(): void {
    if (this.#fault === "refused") {
      const { port } = this;
      this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
      this.#run(this.#accept(this.#listener));
    }
    this.#fault = null;
    this.#mended.resolve();
    this.#mended = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#fault !== null) this.mend();
    this.#listener.close();
    this.#cut();
    await Promise.all(this.#running);
  }

  #cut(): void {
    this.cuts++;
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  #run(work: Promise<void>): void {
    const ended = work.finally(() => this.#running.delete(ended));
    this.#running.add(ended);
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    for await (const connection of listener) this.#run(this.#carry(connection));
  }

  async #carry(near: Deno.TcpConn): Promise<void> {
    if (this.#fault === "reset") {
      // What arrives meanwhile is not read: the end is a reset then.
      await new Promise((resolve) => setTimeout(resolve, 2));
      return close(near);
    }
    this.#open.add(near);
    const { cuts } = this;
    const far = await Deno.connect({
      hostname: "127.0.0.1",
      port: this.#target,
    }).catch(() => null);
    if (far !== null && cuts === this.cuts) {
      this.#open.add(far);
      near.setNoDelay(true);
      far.setNoDelay(true);
      await Promise.race([this.#pump(near, far), this.#pump(far, near)]);
    }
    for (const end of [near, far]) {
      if (end === null) continue;
      this.#open.delete(end);
      close(end);
    }
  }

  /** Carries bytes until either side has ended. */
  async #pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const chunk = new Uint8Array(16_384);
    try {
      while (true) {
        const length = await from.read(chunk);
        while (this.#fault === "hung") await this.#mended.promise;
        if (length === null) return;
        for (let at = 0; at < length;) {
          at += await to.write(chunk.subarray(at, length));
        }
      }
    } catch {
      // A reset is an end too.
    }
  }
}

/** Closes what may be closed already. */
export function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is.
  }
}
