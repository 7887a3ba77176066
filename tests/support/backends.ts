/**
 * Servers of an upstream group that remember what they were sent.
 *
 * @module
 */
export { freePort } from "./free_port.ts";

/** A request as a server had it, its body read to the end. */
export interface Seen {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A well-behaved server. */
export interface Backend extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Every request so far that came whole. */
  readonly seen: readonly Seen[];
}

/**
 * Starts a server that answers with its name.
 *
 * @param answer Another answer, given when the body has been read.
 * @param port 0 for a free one.
 */
export function backend(
  name: string,
  answer: (seen: Seen) => Response | Promise<Response> = () =>
    new Response(name),
  port = 0,
): Backend {
  const kill = new AbortController();
  const seen: Seen[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, signal: kill.signal, onListen() {} },
    async (request) => {
      const { method, headers, url } = request;
      const { pathname, search } = new URL(url);
      const body = await request.text().catch(() => null);
      // Whoever sent it has left in the middle.
      if (body === null) return new Response(null, { status: 400 });
      const entry = { method, target: pathname + search, headers, body };
      seen.push(entry);
      return answer(entry);
    },
  );
  return {
    name,
    port: server.addr.port,
    address: `127.0.0.1:${server.addr.port}`,
    seen,
    async [Symbol.asyncDispose]() {
      kill.abort();
      await server.finished;
    },
  };
}

/** What `upstreams` and `locations` say of one group that takes everything. */
export function toGroup(
  servers: readonly (number | Backend | Record<string, unknown>)[],
  group: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    upstreams: {
      group: {
        servers: servers.map((server) =>
          typeof server === "number"
            ? `127.0.0.1:${server}`
            : "seen" in server
            ? server.address
            : server
        ),
        ...group,
      },
    },
    locations: { "/": "http://group" },
  };
}

/** Asks for a page and gives its status. */
export async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

/** Sends a request and gives its status with its body: `200 a`. */
export async function ask(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  return `${response.status} ${await response.text()}`;
}
