/**
 * How each part of the demo listens: on loopback only, on a free port unless
 * one is named.
 *
 * @module
 */

/** A part that is running. */
export interface Running {
  /** `127.0.0.1:PORT`, as an upstream's address in `config.yaml`. */
  readonly address: string;
  /** Answers what is in flight, then gives the port back. */
  stop(): Promise<void>;
}

/** Answers one request. */
export type Handler = (request: Request) => Response | Promise<Response>;

/**
 * Starts to listen on 127.0.0.1.
 *
 * @param port 0..65535; 0 takes a free one.
 * @throws {Deno.errors.AddrInUse} if the port is taken.
 */
export function listen(handler: Handler, port = 0): Running {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    (request) => handler(request),
  );
  return {
    address: `127.0.0.1:${server.addr.port}`,
    stop: () => server.shutdown(),
  };
}
