/**
 * One address that is listened on, from its opening through reloads to its end.
 *
 * @module
 */
import { listenKey } from "../config/address.ts";
import type { Certificate, ListenerPlan } from "../config/plan.ts";
import { InFlight } from "../exchange/in_flight.ts";
import { ClientError } from "../exchange/errors.ts";
import { LATE, within } from "../exchange/timeout.ts";
import { UpstreamError } from "../transport/errors.ts";
import { BodyBroken } from "../transport/transport.ts";
import { WebSocketBridges } from "../websocket/registry.ts";
import { Acceptor } from "./acceptor.ts";
import { lastRequest } from "./draining.ts";
import { answerControl, type Control, RELOAD } from "../request/control.ts";
import type { Place } from "../exchange/exchange.ts";
import { placeOf, SHARES_PORTS, urlOf } from "./listen_address.ts";

export type Handler = Deno.ServeHandler<Deno.Addr>;

type Info = Deno.ServeHandlerInfo<Deno.Addr>;

export interface ListenerOptions {
  /** Takes one line for whoever runs the proxy. */
  errorLog: (line: string) => void;
  /** Whether other workers of this process listen on the same address. */
  shared?: boolean;
  /** The port that was bound before, where the config says 0. */
  port?: number;
  /** Reads the config again, if that is possible. */
  control?: Control;
}

/** RFC 6455 section 7.4, IANA: service restart. Clients come back by themselves. */
const SERVICE_RESTART = 1012;

/** Milliseconds without a request after which a listener with TLS may be closed. */
const QUIET_TIME = 500;

/** Milliseconds after which one that is not needed is closed all the same. */
const LONGEST_LINGER = 10_000;

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
  /** What it was opened with; null for HTTP. Deno has no way to change it. */
  readonly certificate: Certificate | null;
  readonly place: Place;
  readonly url: string;
  /** The one that was bound; null for a unix socket. */
  readonly port: number | null;
  /** Resolves when it is closed, with all its connections. */
  readonly ended: Promise<void>;
  readonly #options: ListenerOptions;
  readonly #acceptor: Acceptor;
  readonly #kill = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  /** All requests; null without TLS, where nobody needs to know. */
  readonly #requests: InFlight | null;
  /** How many of these there were. */
  #arrivals = 0;
  #handler: Handler | null = null;
  /** Whether it is to close as soon as nothing needs it. */
  #leaving = false;
  /** Whether its WebSockets are being closed. */
  #draining = false;
  #closing = false;

  /**
   * Opens it. Requests wait until there is a handler.
   *
   * @throws {ListenError} if the address can't be had.
   */
  constructor(plan: ListenerPlan, options: ListenerOptions) {
    const { address, written, certificate } = plan;
    this.key = listenKey(address);
    this.written = written;
    this.certificate = certificate;
    this.ended = this.#ended.promise;
    this.#options = options;
    this.#requests = certificate === null ? null : new InFlight();
    const scheme = certificate === null ? "http" : "https";
    const handler = this.#handlerFor(plan);
    const { errorLog } = options;
    const common = {
      signal: this.#kill.signal,
      // Deno says by itself where it listens; the command does that better.
      onListen() {},
      onError: (error: unknown) => this.#lastResort(error),
    };
    if (address.transport === "unix") {
      const { path } = address;
      const listen = () => Deno.serve({ path, ...common }, handler);
      this.#acceptor = new Acceptor({ listen, written, errorLog });
      this.#acceptor.open();
      this.place = placeOf(address, scheme);
      this.url = "a unix socket";
      this.port = null;
      return;
    }
    const { hostname } = address;
    // The port is known only after the first time where the config says 0.
    let port = options.port ?? address.port;
    // A new certificate needs a second listener beside the first.
    const reusePort = (options.shared ?? false) ||
      certificate !== null && SHARES_PORTS;
    const tls = certificate === null
      ? {}
      : { cert: certificate.chain, key: certificate.key };
    const listen = () =>
      Deno.serve({ hostname, port, reusePort, ...tls, ...common }, handler);
    this.#acceptor = new Acceptor({ listen, written, errorLog });
    const bound = this.#acceptor.open();
    if ("port" in bound) port = bound.port;
    this.port = port;
    this.place = placeOf({ ...address, port }, scheme);
    this.url = urlOf(bound, scheme);
  }

  #handlerFor({ address }: ListenerPlan): Handler {
    const handle: Handler = this.#requests === null
      ? (request, info) => this.#handle(request, info)
      : (request, info) => this.#counted(request, info);
    const { control } = this.#options;
    if (control === undefined) return handle;
    const reload = async (request: Request, info: Info) =>
      await answerControl(request, info, address, control) ??
        handle(request, info);
    return (request, info) =>
      request.method === RELOAD ? reload(request, info) : handle(request, info);
  }

  /** Whether it accepts no more. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Gives the requests from now on to this handler. */
  serve(handler: Handler): void {
    this.#leaving = false;
    this.update(handler);
  }

  /** As {@linkcode serve}, but if it is to close it closes all the same. */
  update(handler: Handler): void {
    this.#handler = handler;
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
    const since = performance.now();
    do {
      await this.inFlight.untilIdle();
      await this.bridges.empty();
      if (this.#requests !== null) await this.#untilQuiet(since);
    } while (this.#leaving && this.#isNeeded);
    if (this.#leaving) await this.#close();
  }

  /**
   * Waits for a moment without a request, though not for long. Deno 2.9.6 breaks
   * connections off, once a server is told to shut down, that are in their TLS
   * handshake, and those that wait to be accepted: there are fewest of them then.
   */
  async #untilQuiet(since: number): Promise<void> {
    let before;
    do {
      before = this.#arrivals;
      await within(this.ended, QUIET_TIME);
    } while (
      this.#leaving && !this.#closing && this.#arrivals !== before &&
      performance.now() - since < LONGEST_LINGER
    );
  }

  /**
   * Stops accepting, lets requests in flight finish, closes the WebSockets with
   * 1012 ("service restart").
   *
   * @param window Milliseconds over which the WebSockets are closed.
   */
  async drain(window: number): Promise<void> {
    this.#draining = true;
    while (this.#isNeeded && this.#handler !== null) {
      await Promise.all([
        this.bridges.closeAll(SERVICE_RESTART, "service restart", window),
        this.inFlight.untilIdle(),
      ]);
    }
    await this.#close();
  }

  /** As if the request had come here. */
  async replay(request: Request, info: Info): Promise<Response> {
    return await this.#handle(request, info);
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
    this.#ready.resolve();
    this.#kill.abort();
    this.#acceptor.aborted().then(this.#ended.resolve);
  }

  #handle(request: Request, info: Info): Response | Promise<Response> {
    const handler = this.#handler;
    if (handler === null) {
      return this.#ready.promise.then(() => this.#handle(request, info));
    }
    return this.#draining
      ? lastRequest(handler, request, info)
      : handler(request, info);
  }

  #counted(request: Request, info: Info): Response | Promise<Response> {
    const leave = () => this.#requests?.leave();
    this.#arrivals++;
    this.#requests?.enter();
    info.completed.then(leave, leave);
    return this.#handle(request, info);
  }

  async #close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      const ended = this.#acceptor.shutdown();
      ended.then(this.#ended.resolve);
      if (this.#requests !== null) this.#endWhenQuiet(this.#requests, ended);
    }
    await this.ended;
  }

  /**
   * Deno 2.9.6 never ends a server with a client that does not finish its TLS
   * handshake or does not begin its HTTP/2, and has no time-out for either.
   */
  async #endWhenQuiet(requests: InFlight, ended: Promise<void>): Promise<void> {
    for (let quiet = false; !quiet;) {
      await requests.untilIdle();
      if (await within(ended, QUIET_TIME) !== LATE) return;
      quiet = requests.idle;
    }
    this.#ended.resolve();
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
