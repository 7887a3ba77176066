/**
 * The servers of an upstream, at run time: which one takes the next request,
 * and the HTTP client with its keep-alive connections.
 *
 * @module
 */
import type { UpstreamAddress, UpstreamPlan } from "../config/plan.ts";

/** A server, and what it takes to send it a request. */
export interface UpstreamServer {
  readonly address: UpstreamAddress;
  /** What the target is appended to: `http://backend:8000`. */
  readonly origin: string;
  readonly client: Deno.HttpClient;
}

/**
 * How long an idle connection to an upstream is kept, in milliseconds. Below
 * the keep-alive time of common servers (Node and Uvicorn 5 s), so that it is
 * we who close an idle connection and no request is lost on one.
 */
const POOL_IDLE_TIMEOUT = 4_000;

/** One upstream of the plan. */
export class UpstreamGroup {
  readonly servers: readonly UpstreamServer[];
  #next = 0;

  constructor(readonly plan: UpstreamPlan) {
    // HTTP/1.1 only: over plain http there is no way to negotiate more, and a
    // WebSocket needs it. `allowHost`, or `fetch` refuses a Host of ours.
    const options = {
      http2: false,
      allowHost: true,
      poolMaxIdlePerHost: plan.keepalive,
      poolIdleTimeout: POOL_IDLE_TIMEOUT,
    };
    const shared = Deno.createHttpClient(options);
    this.servers = plan.servers.map((address) =>
      address.transport === "tcp"
        ? {
          address,
          origin: `${plan.scheme}://${
            bracketed(address.hostname)
          }:${address.port}`,
          client: shared,
        }
        : {
          address,
          origin: `${plan.scheme}://localhost`,
          client: Deno.createHttpClient({
            ...options,
            proxy: { transport: "unix", path: address.path },
          }),
        }
    );
    this.#shared = shared;
  }

  readonly #shared: Deno.HttpClient;

  /** The server for the next request: each in turn. */
  pick(): UpstreamServer {
    const server = this.servers[this.#next % this.servers.length];
    if (server === undefined) throw new Error("an upstream has no server");
    this.#next = (this.#next + 1) % this.servers.length;
    return server;
  }

  /** Closes the clients and their idle connections. */
  close(): void {
    this.#shared.close();
    for (const { client } of this.servers) {
      if (client !== this.#shared) client.close();
    }
  }
}

function bracketed(hostname: string): string {
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `[${hostname}]`
    : hostname;
}
