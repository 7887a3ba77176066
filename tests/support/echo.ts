/**
 * A WebSocket server that echoes, and clients of it.
 *
 * @module
 */

export interface EchoUpstream extends AsyncDisposable {
  readonly port: number;
}

/**
 * Starts the server: every message goes back, a request gets its path.
 *
 * @param port 0 for a free one.
 */
export function echoUpstream(port = 0): EchoUpstream {
  const kill = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, signal: kill.signal, onListen() {} },
    (request) => {
      if (request.headers.get("upgrade") === null) {
        return new Response(new URL(request.url).pathname);
      }
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(data);
      return response;
    },
  );
  return {
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      kill.abort();
      await server.finished;
    },
  };
}

/** A client that is open. */
export interface EchoClient {
  /** Sends, and resolves with what comes back. */
  echo(text: string): Promise<string>;
  /** Resolves when it has been closed by the other side. */
  readonly closed: Promise<CloseEvent>;
  /** Closes it, and resolves when that is done. */
  close(): Promise<CloseEvent>;
}

/**
 * @param client For what it trusts; the platform's if unset.
 * @throws {Error} if the handshake is refused.
 */
export async function echoClient(
  url: string,
  client?: Deno.HttpClient,
): Promise<EchoClient> {
  const socket = new WebSocket(
    url.replace(/^http/, "ws"),
    client === undefined ? [] : { client },
  );
  const waiting: ((text: string) => void)[] = [];
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.onclose = resolve;
  });
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("the handshake was refused"));
  });
  socket.onmessage = ({ data }) => waiting.shift()?.(data);
  return {
    closed,
    echo(text) {
      return new Promise((resolve, reject) => {
        waiting.push(resolve);
        closed.then(({ code }) => reject(new Error(`closed with ${code}`)));
        socket.send(text);
      });
    },
    close() {
      socket.close();
      return closed;
    },
  };
}
