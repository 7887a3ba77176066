/**
 * One address that is listened on, from its opening through reloads to its end.
 *
 * @module
 */
import type { ListenAddress, ListenerPlan } from "../config/plan.ts";
import { hasToken } from "../exchange/headers.ts";
import { WebSocketBridges } from "../websocket/handshake.ts";
import { answerControl, type Control, RELOAD } from "./control.ts";
import {
  addressKey,
  haveDescriptors,
  listenError,
  type Place,
  placeOf,
  urlOf,
} from "./listen_address.ts";
import { Serving } from "./in_flight.ts";

export type Handler = Deno.ServeHandler<Deno.Addr>;

export interface ListenerOptions {
  /** Takes one line for whoever runs the proxy. */
  errorLog: (line: string) => void;
  /** Whether other workers of this process listen on the same address. */
  shared?: boolean;
  /** The port that one of them has bound, where the config says 0. */
  port?: number;
  /** Reads the config again, if that is possible. */
  control?: Control;
}

/** RFC 6455 section 7.4, IANA: service restart. Clients come back by themselves. */
const SERVICE_RESTART = 1012;

/** Milliseconds between two tries to accept again: at first, and at most. */
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;

/** Trouble with accepting is said at most once in so many milliseconds. */
const QUIET = 60_000;

/**
 * Deno 2.9.6 closes a server's WebSockets with 1001 as soon as that is told to
 * shut down, and has no other way to stop accepting. A listener whose WebSockets
 * are to stay, or to be closed one after the other, therefore goes on accepting
 * until the last of them is closed.
 */
export class Listener {
  /** Those that came in here. */
  readonly bridges = new WebSocketBridges();
  /** Tells its address from others. */
  readonly key: string;
  /** As the config writes it. */
  readonly written: string;
  readonly place: Place;
  readonly url: string;
  /** The one that was bound; null for a unix socket. */
  readonly port: number | null;
  /** Resolves when it is closed, with all its connections. */
  readonly ended: Promise<void>;
  readonly #options: ListenerOptions;
  readonly #listen: () => Deno.HttpServer<Deno.Addr>;
  readonly #kill = new AbortController();
  /** The one that accepts, and those that can't any more but serve what they have. */
  readonly #servers = new Set<Deno.HttpServer<Deno.Addr>>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  #serving: Serving = new Serving(async (request, info) => {
    await this.#ready.promise;
    return this.#serving.handle(request, info);
  });
  /** How often the handler was replaced. */
  #turn = 0;
  #closing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastNotice = -Infinity;

  /**
   * Opens it. Requests wait until there is a handler.
   *
   * @throws {ListenError} if the address can't be had.
   */
  constructor({ address, written }: ListenerPlan, options: ListenerOptions) {
    this.key = addressKey(address);
    this.written = written;
    this.ended = this.#ended.promise;
    this.#options = options;
    const common = {
      signal: this.#kill.signal,
      // Deno says by itself where it listens; the command does that better.
      onListen() {},
      onError: (error: unknown) => this.#lastResort(error),
    };
    const { control } = options;
    const handle: Handler = control === undefined
      ? (request, info) => this.#serving.handle(request, info)
      : (request, info) =>
        request.method === RELOAD
          ? this.#control(request, info, address, control)
          : this.#serving.handle(request, info);
    if (address.transport === "unix") {
      const { path } = address;
      this.#listen = () => Deno.serve({ path, ...common }, handle);
      this.#open();
      this.place = placeOf(address);
      this.url = "a unix socket";
      this.port = null;
      return;
    }
    const { hostname } = address;
    // The port is known only after the first time where the config says 0.
    let port = options.port ?? address.port;
    const reusePort = options.shared ?? false;
    this.#listen = () =>
      Deno.serve({ hostname, port, reusePort, ...common }, handle);
    const bound = this.#open();
    if ("port" in bound.addr) port = bound.addr.port;
    this.port = port;
    this.place = placeOf({ ...address, port });
    this.url = urlOf(bound.addr);
  }

  /** Whether it accepts no more. */
  get closing(): boolean {
    return this.#closing;
  }

  /**
   * Gives the requests from now on to this handler.
   *
   * @returns Resolves when the one before has answered all of its requests.
   */
  serve(handler: Handler): Promise<void> {
    const before = this.#serving;
    this.#serving = new Serving(handler);
    this.#turn++;
    // Those of the very first wait for this one.
    if (this.#turn > 1) return before.quiet();
    this.#ready.resolve();
    return Promise.resolve();
  }

  /**
   * Closes it when what is in flight is done and the last WebSocket has ended,
   * unless it was given another handler by then.
   *
   * @param handler For requests that still come.
   * @returns Resolves when the requests before are answered.
   */
  leave(handler: Handler): Promise<void> {
    const quiet = this.serve(handler);
    const turn = this.#turn;
    quiet.then(() => this.bridges.empty()).then(() => {
      if (turn === this.#turn) this.#close();
    });
    return quiet;
  }

  /**
   * Stops accepting, lets requests in flight finish, closes the WebSockets with
   * 1012 ("service restart").
   *
   * @param window Milliseconds over which the WebSockets are closed.
   */
  async drain(window: number): Promise<void> {
    if (this.bridges.size > 0) {
      const serving = this.#serving;
      this.serve((request, info) => lastRequest(serving, request, info));
      const reason = "service restart";
      await this.bridges.closeAll(SERVICE_RESTART, reason, window);
    }
    await this.#close();
  }

  /** Ends it, and all of its connections, at once. */
  abort(): void {
    this.bridges.abort();
    // Once a server is shutting down Deno has no way to end it at once.
    if (this.#closing) return;
    this.#closing = true;
    clearTimeout(this.#timer);
    this.#ready.resolve();
    this.#kill.abort();
    this.#endWith([...this.#servers].map((server) => server.finished));
  }

  async #control(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.Addr>,
    address: ListenAddress,
    control: Control,
  ): Promise<Response> {
    return await answerControl(request, info, address, control) ??
      this.#serving.handle(request, info);
  }

  async #close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      clearTimeout(this.#timer);
      this.#endWith([...this.#servers].map((server) => server.shutdown()));
    }
    await this.ended;
  }

  #endWith(ends: Promise<void>[]): void {
    Promise.allSettled(ends).then(() => this.#ended.resolve());
  }

  /** @throws {ListenError} */
  #open(): Deno.HttpServer<Deno.Addr> {
    let server;
    try {
      server = this.#listen();
    } catch (cause) {
      throw listenError(this.written, cause);
    }
    this.#servers.add(server);
    server.finished.catch((error) => this.#failed(error));
    return server;
  }

  /**
   * Accepting failed, most likely for want of descriptors (EMFILE), and Deno
   * does not try again. It goes on with the connections that are open.
   */
  #failed(error: unknown): void {
    if (this.#closing) return;
    const now = performance.now();
    const told = now - this.#lastNotice > QUIET;
    if (told) {
      this.#lastNotice = now;
      this.#options.errorLog(
        `cannot accept on ${this.written}: ${
          reason(error)
        }; open connections ` +
          "are served, new ones when some are closed (raise ulimit -n)",
      );
    }
    this.#retry(SHORTEST_PAUSE, told);
  }

  #retry(pause: number, told: boolean): void {
    this.#timer = setTimeout(() => {
      try {
        if (!haveDescriptors()) throw new Error("none to spare");
        this.#open();
      } catch {
        return this.#retry(Math.min(2 * pause, LONGEST_PAUSE), told);
      }
      if (told) this.#options.errorLog(`accepting on ${this.written} again`);
    }, pause);
  }

  /** The handler catches what can be caught; this is for what it can't be. */
  #lastResort(error: unknown): Response {
    const what = error instanceof Error ? error.stack : error;
    this.#options.errorLog(`500: ${what}`);
    return new Response("500 Internal Server Error\n", { status: 500 });
  }
}

/** While WebSockets are being closed: no new ones, and no keep-alive. */
async function lastRequest(
  serving: Serving,
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
): Promise<Response> {
  if (hasToken(request.headers.get("upgrade"), "websocket")) {
    return new Response("503 Service Unavailable: a restart is under way.\n", {
      status: 503,
      headers: { "connection": "close", "retry-after": "1" },
    });
  }
  const response = await serving.handle(request, info);
  response.headers.set("connection", "close");
  return response;
}

/** Deno puts the system's words into the cause, behind the word "Error". */
function reason(error: unknown): string {
  const { cause = error } = error instanceof Error ? error : {};
  return String(cause).replace(/^(?:\w+: )+/, "");
}
