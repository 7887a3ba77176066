/**
 * A place between two programs where their connections can be cut.
 *
 * @module
 */

/** Listens, and hands each connection on. */
export interface TcpHop extends AsyncDisposable {
  /** Where it listens: `127.0.0.1:PORT`. */
  readonly address: string;
  /** Ends all connections at once; new ones are refused. */
  cut(): void;
  /** Takes connections again. */
  mend(): void;
}

/**
 * Starts a hop.
 *
 * @param port One that systems give to no outgoing connection: while it is cut,
 * nothing else may take it.
 * @param target `host:port`, asked for at each connection.
 */
export function tcpHop(port: number, target: () => string): TcpHop {
  const open = new Set<Deno.Conn>();
  const running = new Set<Promise<void>>();
  let listener: Deno.Listener | null = null;

  const run = (work: Promise<void>) => {
    const ended = work.finally(() => running.delete(ended));
    running.add(ended);
  };
  const carry = async (conn: Deno.TcpConn) => {
    using near = held(conn, open);
    const [hostname = "", port = ""] = target().split(":");
    const other = await Deno.connect({ hostname, port: Number(port) })
      .catch(() => null);
    // Nobody is there, or it has been cut meanwhile.
    if (other === null) return;
    using far = held(other, open);
    if (!open.has(conn)) return;
    conn.setNoDelay(true);
    other.setNoDelay(true);
    await Promise.race([pump(near.conn, far.conn), pump(far.conn, near.conn)]);
  };
  const hop: TcpHop = {
    address: `127.0.0.1:${port}`,
    cut() {
      listener?.close();
      listener = null;
      for (const conn of open) close(conn);
      open.clear();
    },
    mend() {
      const accepting = listener = Deno.listen({ hostname: "127.0.0.1", port });
      run((async () => {
        for await (const conn of accepting) run(carry(conn));
      })());
    },
    async [Symbol.asyncDispose]() {
      hop.cut();
      await Promise.all(running);
    },
  };
  hop.mend();
  return hop;
}

/** Keeps a connection in a set, and closes it at the end. */
function held<T extends Deno.Conn>(conn: T, open: Set<Deno.Conn>) {
  open.add(conn);
  return {
    conn,
    [Symbol.dispose]() {
      open.delete(conn);
      close(conn);
    },
  };
}

/** Carries bytes until either side has ended; a half-closed one counts too. */
async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const chunk = new Uint8Array(16_384);
  try {
    for (;;) {
      const length = await from.read(chunk);
      if (length === null) return;
      for (let at = 0; at < length;) {
        at += await to.write(chunk.subarray(at, length));
      }
    }
  } catch {
    // A reset is an end too.
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed already.
  }
}
