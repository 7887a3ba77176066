/**
 * One address that is listened on, from its opening through reloads to its end.
 *
 * @module
 */
import { listenKey } from "../config/address.ts";
import type { ListenAddress, ListenerPlan } from "../config/plan.ts";
import { InFlight } from "../exchange/in_flight.ts";
import { ClientError } from "../exchange/errors.ts";
import { UpstreamError } from "../transport/errors.ts";
import { BodyBroken } from "../transport/transport.ts";
import { WebSocketBridges } from "../websocket/registry.ts";
import { lastRequest } from "./draining.ts";
import { answerControl, type Control, RELOAD } from "../request/control.ts";
import type { Place } from "../exchange/exchange.ts";
import {
  haveDescriptors,
  listenError,
  placeOf,
  systemReason,
  urlOf,
} from "./listen_address.ts";

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
const SHORTEST_RETRY_DELAY = 100;
const LONGEST_RETRY_DELAY = 1_000;

/** Trouble with accepting is said at most once in so many milliseconds. */
const NOTICE_INTERVAL = 60_000;

/**
 * Deno 2.9.6 closes a server's WebSockets with 1001 as soon as that is told to
 * shut down, and has no other way to stop accepting. A listener whose WebSockets
 * are to stay, or to be closed one after the other, therefore goes on accepting
 * until the last of them is closed.
 */
export class Listener {
  /** Those that came in here. */
  readonly bridges = new WebSocketBridges();
  /** Exchanges that would be broken by its end. */
  readonly inFlight = new InFlight();
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
  #handler: Handler | null = null;
  /** Whether it is to close as soon as nothing needs it. */
  #leaving = false;
  #closing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastNotice = -Infinity;

  /**
   * Opens it. Requests wait until there is a handler.
   *
   * @throws {ListenError} if the address can't be had.
   */
  constructor({ address, written }: ListenerPlan, options: ListenerOptions) {
    this.key = listenKey(address);
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
      ? (request, info) => this.#handle(request, info)
      : (request, info) =>
        request.method === RELOAD
          ? this.#control(request, info, address, control)
          : this.#handle(request, info);
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

  /** Gives the requests from now on to this handler. */
  serve(handler: Handler): void {
    this.#handler = handler;
    this.#leaving = false;
    this.#ready.resolve();
  }

  /**
   * Closes it when nothing is in flight that would be broken by that and the
   * last WebSocket has ended, unless it was given another handler by then.
   *
   * @param handler For requests that still come.
   */
  async leave(handler: Handler): Promise<void> {
    this.serve(handler);
    this.#leaving = true;
    while (this.#leaving && this.#isNeeded) {
      await this.inFlight.untilIdle();
      await this.bridges.empty();
    }
    if (this.#leaving) await this.#close();
  }

  /**
   * Stops accepting, lets requests in flight finish, closes the WebSockets with
   * 1012 ("service restart").
   *
   * @param window Milliseconds over which the WebSockets are closed.
   */
  async drain(window: number): Promise<void> {
    const handler = this.#handler;
    if (this.#isNeeded && handler !== null) {
      this.serve((request, info) => lastRequest(handler, request, info));
      const reason = "service restart";
      while (this.#isNeeded) {
        await Promise.all([
          this.bridges.closeAll(SERVICE_RESTART, reason, window),
          this.inFlight.untilIdle(),
        ]);
      }
    }
    await this.#close();
  }

  get #isNeeded(): boolean {
    return this.bridges.size > 0 || !this.inFlight.idle;
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
      this.#handle(request, info);
  }

  #handle(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.Addr>,
  ): Response | Promise<Response> {
    return this.#handler === null
      ? this.#ready.promise.then(() => this.#handle(request, info))
      : this.#handler(request, info);
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
    const told = now - this.#lastNotice > NOTICE_INTERVAL;
    if (told) {
      this.#lastNotice = now;
      this.#options.errorLog(
        `cannot accept on ${this.written}: ${
          systemReason(error)
        }; open connections ` +
          "are served, new ones when some are closed (raise ulimit -n)",
      );
    }
    this.#retry(SHORTEST_RETRY_DELAY, told);
  }

  #retry(pause: number, told: boolean): void {
    this.#timer = setTimeout(() => {
      try {
        if (!haveDescriptors()) throw new Error("none to spare");
        this.#open();
      } catch {
        return this.#retry(Math.min(2 * pause, LONGEST_RETRY_DELAY), told);
      }
      if (told) this.#options.errorLog(`accepting on ${this.written} again`);
    }, pause);
  }

  /** The handler catches what can be caught; this is for what it can't be. */
  #lastResort(error: unknown): Response {
    // A body that has broken off is reported at the end of its exchange.
    const isKnown = error instanceof BodyBroken ||
      error instanceof UpstreamError || error instanceof ClientError;
    if (!isKnown) this.#report(error);
    return new Response("500 Internal Server Error\n", { status: 500 });
  }

  #report(error: unknown): void {
    const what = error instanceof Error ? error.stack : error;
    this.#options.errorLog(`500: ${what}`);
  }
}
