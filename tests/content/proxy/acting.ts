/**
 * Servers that do one thing to every request, over bare TCP.
 *
 * @module
 */
import { ask, type Backend, backend, toGroup } from "../../support/backends.ts";
import { startProxy } from "../../support/proxy.ts";
import {
  rawClient,
  type RawConnection,
  rawUpstream,
} from "../../support/raw_upstream.ts";

export interface Acting extends AsyncDisposable {
  readonly port: number;
  /** The method of each request so far. */
  readonly methods: readonly string[];
}

/** The head of the answer to a request that may never be whole. */
export async function headOf(port: number, request: string): Promise<string> {
  const client = await rawClient(port);
  try {
    await client.write(request);
    return await client.readHead();
  } finally {
    client.close();
  }
}

/** Some turns of the event loop: what is on its way in this process arrives. */
export const settled = () => new Promise((resolve) => setTimeout(resolve, 30));

/** A server that does `act` to every request, and counts them by method. */
export function acting(
  act: (connection: RawConnection) => Promise<void>,
): Acting {
  const methods: string[] = [];
  const upstream = rawUpstream(async (connection) => {
    while (true) {
      const head = await connection.readHead();
      methods.push(head.slice(0, head.indexOf(" ")));
      await act(connection);
    }
  });
  return {
    port: upstream.port,
    methods,
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

/** Closes without an answer. */
export const closes = (connection: RawConnection): Promise<void> => {
  connection.close();
  return Promise.reject(new Error("closed"));
};
/** Never answers. */
export const hangs = async (connection: RawConnection): Promise<void> => {
  await connection.readToEnd();
};
export const answers = (text: string) => (connection: RawConnection) =>
  connection.write(text);
export const garbage = answers("SSH-2.0-OpenSSH_9.9\r\n\r\n");
export const status = (code: number) =>
  answers(`HTTP/1.1 ${code} Bad\r\ncontent-length: 3\r\n\r\nbad`);

/** The answer to a request that comes to `bad` first and may go to a good one. */
export async function firstTo(
  bad: { port: number },
  config: Record<string, unknown> = {},
  init: RequestInit = {},
): Promise<{ answer: string; good: Backend }> {
  const good = backend("good");
  await using _ = good;
  await using proxy = startProxy({
    ...toGroup([bad.port, good]),
    proxy_read_timeout: "150ms",
    ...config,
  });
  const answer = await ask(proxy.url, init);
  return { answer: answer.split(" ").slice(0, 2).join(" "), good };
}
