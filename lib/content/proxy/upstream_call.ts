/**
 * A request on its way to the servers of an upstream.
 *
 * @module
 */
import type { LocationPlan, ProxyPlan } from "../../config/plan.ts";
import { Cancellation } from "../../exchange/cancellation.ts";
import type { Deadline } from "../../exchange/deadline.ts";
import { ClientClosedRequest, ClientError } from "../../exchange/errors.ts";
import type { Exchange, Held } from "../../exchange/exchange.ts";
import { UpstreamError } from "../../transport/errors.ts";
import { RequestBody } from "../../transport/request_body.ts";
import type { UpstreamResponse } from "../../transport/transport.ts";
import type { Client } from "../../upstream/balance/method.ts";
import type { UpstreamGroup } from "../../upstream/group.ts";
import type { UpstreamServer } from "../../upstream/server.ts";
import { openWebSocket, type UpgradedResponse } from "../../websocket/open.ts";
import type { ContentState } from "../state.ts";
import { Trials } from "./trials.ts";
import { upstreamFields } from "./upstream_fields.ts";

/**
 * Milliseconds from which on a request's client is watched. Most requests have
 * their answer before, and are spared what that costs (20 µs): Deno tells of a
 * client that has left also where it is asked later, in HTTP/1.
 */
const WATCH_DELAY = 50;

/** Holds what the request has taken until its exchange has ended. */
export class UpstreamCall implements EventListenerObject, Held {
  readonly cancellation = new Cancellation();
  readonly group: UpstreamGroup;
  readonly client: Client;
  /** What it is known by to those that see loops; null for nothing. */
  #loopKey: string | null;
  /** Null where no error page tells of them. */
  readonly trials: Trials | null;
  #body: RequestBody | null;
  /** Whether the end of the listener would break it. */
  readonly #fragile: boolean;
  #watch: Deadline | null = null;
  #deadline: Deadline | null = null;
  /** The server that has answered. */
  #server: UpstreamServer | null = null;

  /**
   * @param target The request target to send.
   * @param loopKey As of `Loops.enter`, which it leaves.
   */
  constructor(
    readonly request: Request,
    readonly exchange: Exchange,
    readonly location: LocationPlan,
    readonly plan: ProxyPlan,
    readonly target: string,
    readonly state: ContentState,
    loopKey: string | null,
  ) {
    this.#loopKey = loopKey;
    const { deadlines } = state;
    const { upstream } = plan;
    this.trials = state.dev ? new Trials() : null;
    this.group = state.groups.get(upstream);
    this.group.retain();
    this.client = {
      remoteAddr: exchange.remoteAddr,
      key: upstream.balance.kind === "hash"
        ? upstream.balance.key(exchange)
        : "",
      cookie: upstream.sticky === null
        ? null
        : this.group.cookieIn(exchange.headers),
    };
    this.#body = exchange.hasBody !== false && request.body !== null
      ? new RequestBody(
        request.body,
        exchange.bodyLength,
        location.settings,
        deadlines,
        // Only in HTTP/2 a body may end so, and only a length tells otherwise.
        () =>
          exchange.fields.host === null && exchange.bodyLength === null &&
          request.signal.aborted,
      )
      : null;
    exchange.requestBody = this.#body;
    this.#fragile = exchange.websocket || this.#body !== null;
    if (this.#fragile) state.inFlight.enter();
    if (exchange.fields.host === null || exchange.websocket) {
      // HTTP/2, in which a client that has left is told of only once (nothing
      // but the missing Host shows it, which RFC 9113 section 8.3.1 wants); or
      // the 101 takes the request away before it could be asked.
      request.signal.addEventListener("abort", this);
    } else {
      this.#watch = deadlines.start(
        WATCH_DELAY,
        () => request.signal.addEventListener("abort", this),
        exchange.started,
      );
    }
    const { request_timeout } = location.settings;
    if (request_timeout === 0 || exchange.websocket) return;
    this.#deadline = deadlines.start(
      request_timeout,
      () => this.#late(),
      exchange.started,
    );
  }

  /**
   * Finds out whether there is a body, where only reading it tells.
   *
   * @throws What reading it throws.
   */
  async readBeginning(): Promise<void> {
    const { exchange } = this;
    if (exchange.hasBody !== "unsure" || this.#body === null) return;
    exchange.hasBody = await this.#body.begins();
    if (exchange.hasBody) return;
    this.#body.close();
    this.#body = null;
  }

  /** Whether it can be sent from its beginning once more. */
  get replayable(): boolean {
    return this.#body === null || this.#body.replayable;
  }

  /**
   * Sends it to a server.
   *
   * @param now The time, by `performance.now()`.
   * @throws What {@linkcode Transport.send} throws.
   */
  send(
    server: UpstreamServer,
    now: number,
  ): Promise<UpstreamResponse | UpgradedResponse> {
    const { exchange, plan, target, cancellation, state } = this;
    const { settings } = this.location;
    exchange.upstreamAddr = server.name;
    const request = {
      method: exchange.method,
      target,
      // A header may tell the server's address.
      fields: upstreamFields(exchange, plan),
      body: this.#body,
      upgrade: null,
      timeouts: {
        connect: settings.proxy_connect_timeout,
        head: settings.proxy_read_timeout.head,
        body: settings.proxy_read_timeout.body,
      },
      cancellation,
    };
    if (exchange.record !== null) exchange.record.sent = request;
    return exchange.websocket
      ? openWebSocket(
        server.transport,
        request,
        {
          name: server.name,
          protocols: exchange.fields.webSocketProtocol,
          maxMessageSize: settings.websocket_max_message_size,
        },
        state.bridges,
        now,
      )
      : server.transport.send(request, now);
  }

  /** This server has answered: it is released at the end, and no other is asked. */
  answered(server: UpstreamServer): void {
    this.#server = server;
    this.#body?.settle();
    this.#leaveLoops();
  }

  #leaveLoops(): void {
    if (this.#loopKey === null) return;
    this.state.loops.leave(this.#loopKey);
    this.#loopKey = null;
  }

  /** The sticky cookie to set, now that a server has answered; null for none. */
  cookie(): string | null {
    return this.#server === null
      ? null
      : this.group.cookieFor(this.client, this.#server);
  }

  /** Has a line for whoever runs the proxy. */
  report(line: string): void {
    this.state.errorLog(line);
  }

  /** The client has left. */
  handleEvent(): void {
    this.cancellation.cancel(new ClientClosedRequest());
  }

  /**
   * Leaves the server, the group and the places of the access phase to an open
   * WebSocket, which outlives its request and is to keep nothing else of it.
   */
  handOver(): Held {
    const server = this.#server;
    const { group, exchange } = this;
    const { places } = exchange;
    exchange.places = exchange.content = null;
    // It is a bridge from here on, before anything else happens.
    this.state.inFlight.leave();
    return {
      giveBack() {
        server?.release();
        group.release();
        places?.giveBack();
      },
    };
  }

  /** Hears no more of the client's leaving. */
  unwatch(): void {
    this.request.signal.removeEventListener("abort", this);
    this.cancellation.listen(null);
  }

  giveBack(): void {
    const { deadlines } = this.state;
    this.#leaveLoops();
    this.#body?.close();
    this.#server?.release();
    this.group.release();
    if (this.#watch !== null) deadlines.stop(this.#watch);
    if (this.#deadline !== null) deadlines.stop(this.#deadline);
    this.cancellation.listen(null);
    if (this.#fragile) this.state.inFlight.leave();
  }

  /** The exchange's time is over: whose fault is it? */
  #late(): void {
    this.cancellation.cancel(
      this.#body?.waiting
        ? new ClientError(408)
        : new UpstreamError("timeout", this.exchange.upstreamAddr),
    );
  }
}
