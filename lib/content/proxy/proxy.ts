/**
 * Exchange: a prepared request goes to its server, or to others, and its
 * response comes back.
 *
 * @module
 */
import type { ProxyLocation } from "./prepared.ts";
import { attempt, type Course, type Outcome } from "./next_upstream.ts";
import {
  ClientClosedRequest,
  ClientError,
} from "../../exchange/client_error.ts";
import type { Deadline } from "../../exchange/deadline.ts";
import { clientResponse, send } from "../../transport/fetch.ts";
import { RequestBody } from "../../transport/request_body.ts";
import { Stop } from "../../exchange/cancellation.ts";
import { UpstreamError } from "../../transport/upstream_error.ts";
import { bridgeWebSocket } from "../../websocket/handshake.ts";
import type { Client } from "../../upstream/balance/balancer.ts";
import type { UpstreamGroup, UpstreamServer } from "../../upstream/group.ts";
import { failed, overLimit } from "../../request/answers.ts";
import type { Picked, ServerState } from "../../request/handler.ts";
import type { GiveBack } from "../../access/limit_conn.ts";
import { type Admission, redirectTo } from "../../request/prepare.ts";

type Admitted = Admission & { kind: "proxy" };

/**
 * Milliseconds from which on a request's client is watched. Most requests have
 * their answer before, and are spared what that costs (4 µs): Deno tells of a
 * client that has left also where it is asked later, in HTTP/1.
 */
const PATIENCE = 50;

/**
 * Sends the request, and gives back all that it took when it has ended.
 *
 * @param started When it came, by `performance.now()`.
 */
export async function proxyRequest(
  request: Request,
  admission: Admitted,
  picked: Picked,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  state: ServerState,
  started: number,
): Promise<Response> {
  const { prepared, context } = admission;
  const place = state.limits.take(
    prepared.location,
    prepared.websocket,
    context.remoteAddr,
  );
  if (typeof place === "number") {
    if (typeof picked.server !== "string") picked.server.release();
    return overLimit(place, admission, request, state);
  }
  const exchange = new Exchange(
    request,
    admission,
    picked,
    place,
    state,
    started,
  );
  let response: Response;
  try {
    const outcome = await attempt(picked.server, exchange);
    response = exchange.respond(outcome);
  } catch (error) {
    response = failed(error, request, prepared, state);
  }
  // A WebSocket keeps its server and its place until it has ended.
  if (response.status === 101) return response;
  const end = () => exchange.end();
  info.completed.then(end, end);
  return response;
}

/** A function of its own, or an open WebSocket would keep the whole exchange. */
function giveBack(server: UpstreamServer, place: GiveBack | null): () => void {
  return () => {
    server.release();
    place?.();
  };
}

/** One request on its way. */
class Exchange implements Course, EventListenerObject {
  readonly stop = new Stop();
  readonly location: ProxyLocation;
  #watch: Deadline | null;
  #deadline: Deadline | null = null;
  readonly #body: RequestBody | null;
  /** The server that has answered. */
  #server: UpstreamServer | null = null;

  constructor(
    readonly request: Request,
    readonly admission: Admitted,
    readonly picked: Picked,
    /** What to give back when it has ended. */
    readonly place: GiveBack | null,
    readonly state: ServerState,
    readonly begun: number,
  ) {
    const { prepared, fields } = admission;
    const { deadlines } = state;
    this.location = prepared.location;
    this.#body = this.#takeBody();
    if (fields.host === null || prepared.websocket) {
      // HTTP/2, in which a client that has left is told of only once (nothing
      // but the missing Host shows it, which RFC 9113 section 8.3.1 wants); or
      // the 101 takes the request away before it could be asked.
      this.#watch = null;
      request.signal.addEventListener("abort", this);
    } else {
      this.#watch = deadlines.start(PATIENCE, () => {
        request.signal.addEventListener("abort", this);
      }, begun);
    }
    const { request_timeout: requestTimeout } = prepared.location.settings;
    if (requestTimeout === 0 || prepared.websocket) return;
    this.#deadline = deadlines.start(
      requestTimeout,
      () => this.#late(),
      begun,
    );
  }

  get group(): UpstreamGroup {
    return this.picked.group;
  }

  get client(): Client {
    return this.picked.client;
  }

  get method(): string {
    return this.admission.context.method;
  }

  /** Whether it can be sent from its beginning once more. */
  replayable(): boolean {
    return this.#body === null || this.#body.replayable;
  }

  send(server: UpstreamServer, now: number): Promise<Response> {
    const { request, admission: { prepared }, state } = this;
    return prepared.websocket
      ? this.#bridge(server)
      : send(request, prepared, this.#body, server, state, this.stop, now);
  }

  moved(server: UpstreamServer): void {
    redirectTo(this.admission, server.address);
  }

  report(line: string): void {
    this.state.errorLog(line);
  }

  /** The client has left. */
  handleEvent(): void {
    this.stop.now(new ClientClosedRequest());
  }

  /** The response for the client. */
  respond({ response, server }: Outcome): Response {
    const { request, picked, admission: { prepared }, state } = this;
    if (response.status === 101) return response;
    this.#server = server;
    if (prepared.websocket) return response;
    this.#body?.settle();
    prepared.setCookie = picked.group.cookieFor(picked.client, server);
    return clientResponse(
      request,
      prepared,
      response,
      state.deadlines,
      this.stop,
    );
  }

  /** The response has been delivered, or never will be. */
  end(): void {
    const { deadlines } = this.state;
    this.#body?.close();
    this.#server?.release();
    if (this.#watch !== null) deadlines.stop(this.#watch);
    if (this.#deadline !== null) deadlines.stop(this.#deadline);
    this.stop.listen(null);
    this.place?.();
  }

  #takeBody(): RequestBody | null {
    const { request, admission: { prepared, fields, hasBody }, state } = this;
    if (!hasBody || request.body === null) return null;
    const length = fields.transferEncoding !== null
      ? null
      : Number(fields.contentLength);
    const { deadlines } = state;
    return new RequestBody(request.body, length, prepared.location, deadlines);
  }

  #bridge(server: UpstreamServer): Promise<Response> {
    const { request, admission: { prepared }, state, place } = this;
    const abort = new AbortController();
    this.stop.listen((reason) => abort.abort(reason));
    // An open WebSocket is to keep nothing of its request.
    const settled = () => {
      request.signal.removeEventListener("abort", this);
      this.stop.listen(null);
    };
    return bridgeWebSocket(request, prepared, state.bridges, {
      deadlines: state.deadlines,
      signal: abort.signal,
      log: state.accessLog,
      settled,
      ended: giveBack(server, place),
    });
  }

  /** The exchange's time is over: whose fault is it? */
  #late(): void {
    const { name } = this.admission.prepared.address;
    this.stop.now(
      this.#body?.waiting
        ? new ClientError(408)
        : new UpstreamError("timeout", name),
    );
  }
}
