/**
 * An upstream over bare TCP, which does to each connection just what a test
 * tells it to: cut, stall, lie.
 *
 * @module
 */

/** One connection to the upstream. */
export class RawConnection {
  #text = "";

  constructor(readonly conn: Deno.Conn) {}

  /** Everything received so far, a char per byte. */
  get received(): string {
    return this.#text;
  }

  /** Reads once; false at the end of the stream. */
  async read(): Promise<boolean> {
    const chunk = new Uint8Array(65536);
    const n = await this.conn.read(chunk);
    if (n === null) return false;
    // Not TextDecoder's "latin1", which is Windows-1252.
    for (let at = 0; at < n; at += 8192) {
      const part = chunk.subarray(at, Math.min(at + 8192, n));
      this.#text += String.fromCharCode(...part);
    }
    return true;
  }

  /** Reads until what was received holds `mark`, and takes all up to its end. */
  async readUntil(mark: string): Promise<string> {
    for (;;) {
      const at = this.#text.indexOf(mark);
      if (at !== -1) {
        const taken = this.#text.slice(0, at + mark.length);
        this.#text = this.#text.slice(at + mark.length);
        return taken;
      }
      if (!await this.read()) throw new Error("ended before " + mark);
    }
  }

  /** Takes one request head. */
  readHead(): Promise<string> {
    return this.readUntil("\r\n\r\n");
  }

  /** Takes exactly `length` bytes. */
  async readExactly(length: number): Promise<string> {
    while (this.#text.length < length) {
      if (!await this.read()) throw new Error("ended too early");
    }
    const taken = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return taken;
  }

  /** Reads to the end of the stream; resolves also when it is reset. */
  async readToEnd(): Promise<string> {
    try {
      while (await this.read());
    } catch {
      // A reset is an end too.
    }
    return this.#text;
  }

  /** Writes text, a byte per char. */
  async write(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    for (let at = 0; at < bytes.length;) {
      at += await this.conn.write(bytes.subarray(at));
    }
  }

  close(): void {
    try {
      this.conn.close();
    } catch {
      // Closed already.
    }
  }
}

export interface RawUpstream extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: number;
}

/**
 * Listens on a free port and runs `script` for each connection, which is closed
 * when the script ends. Errors in a script end its connection only.
 */
export function rawUpstream(
  script: (connection: RawConnection, index: number) => Promise<void>,
): RawUpstream {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<RawConnection>();
  const running: Promise<void>[] = [];
  let connections = 0;
  const accepting = (async () => {
    for await (const conn of listener) {
      const connection = new RawConnection(conn);
      open.add(connection);
      const index = connections++;
      running.push(
        script(connection, index).catch(() => {}).finally(() => {
          connection.close();
          open.delete(connection);
        }),
      );
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of open) connection.close();
      await Promise.all(running);
    },
  };
}

/** A client over bare TCP: sends text, gives what comes. */
export async function rawClient(port: number): Promise<RawConnection> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  return new RawConnection(conn);
}

/**
 * Sends one text on its own connection and gives all that comes until the end.
 *
 * @throws {Error} if there is no end within ten seconds.
 */
export async function rawExchange(port: number, text: string): Promise<string> {
  const client = await rawClient(port);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    client.close();
  }, 10_000);
  // While it reads: a server that has answered need not take the rest.
  const sent = client.write(text).catch(() => {});
  try {
    const answer = await client.readToEnd();
    if (late) throw new Error(`no end of the answer to ${text.slice(0, 80)}`);
    return answer;
  } finally {
    clearTimeout(timer);
    client.close();
    await sent;
  }
}
