/**
 * A place between two programs where their connections can be cut.
 *
 * @module
 */

/** Listens, and hands each connection on. */
export interface TcpHop extends AsyncDisposable {
  /** Where it listens: `127.0.0.1:PORT`. */
  readonly address: string;
  /** How many connections it carries now. */
  readonly open: number;
  /** Ends all connections at once; new ones are accepted and wait. */
  cut(): void;
  /** Lets those through that wait, and new ones. */
  mend(): void;
}

/**
 * Starts a hop.
 *
 * @param target `host:port`
 */
export function tcpHop(target: string): TcpHop {
  const [hostname = "", port = ""] = target.split(":");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const carried = new Set<Promise<void>>();
  let mended = Promise.withResolvers<void>();
  mended.resolve();

  const cut = () => {
    for (const conn of open) close(conn);
    open.clear();
  };
  const carry = async (conn: Deno.TcpConn) => {
    open.add(conn);
    const ends: Deno.Conn[] = [conn];
    try {
      await mended.promise;
      // Cut once more while it waited.
      if (!open.has(conn)) return;
      const other = await Deno.connect({ hostname, port: Number(port) });
      ends.push(other);
      if (!open.has(conn)) return;
      open.add(other);
      conn.setNoDelay(true);
      other.setNoDelay(true);
      await Promise.race([pump(conn, other), pump(other, conn)]);
    } catch {
      // Nobody is at the other end.
    } finally {
      for (const end of ends) {
        open.delete(end);
        close(end);
      }
    }
  };
  const accepting = (async () => {
    for await (const conn of listener) {
      const ended = carry(conn).finally(() => carried.delete(ended));
      carried.add(ended);
    }
  })();
  return {
    address: `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    get open() {
      return carried.size;
    },
    cut() {
      mended = Promise.withResolvers();
      cut();
    },
    mend: () => mended.resolve(),
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      cut();
      mended.resolve();
      await Promise.all(carried);
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
