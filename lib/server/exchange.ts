/**
 * Exchange: a prepared request goes to its server, or to others, and its
 * response comes back.
 *
 * @module
 */
import type { ListenerPlan } from "../config/plan.ts";
import { attempt } from "../proxy/attempts.ts";
import { ClientClosedRequest, ClientError } from "../proxy/client_error.ts";
import type { Deadline } from "../proxy/deadline.ts";
import { clientResponse, send } from "../proxy/http.ts";
import { RequestBody } from "../proxy/request_body.ts";
import { Stop } from "../proxy/stop.ts";
import { UpstreamError } from "../proxy/upstream_error.ts";
import { bridgeWebSocket } from "../proxy/websocket.ts";
import { failed, overLimit } from "./answers.ts";
import type { Picked, ServerState } from "./handler.ts";
import { type Admission, redirectTo } from "./prepare.ts";

type Admitted = Admission & { kind: "proxy" };

/** Sends the request, and gives back all that it took when it has ended. */
export async function proxyRequest(
  request: Request,
  admission: Admitted,
  picked: Picked,
  listener: ListenerPlan,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
  state: ServerState,
): Promise<Response> {
  const { prepared, context } = admission;
  const place = state.limits.take(
    listener.common,
    prepared.location,
    prepared.websocket,
    context.remoteAddr,
  );
  if (typeof place === "number") {
    if (typeof picked.server !== "string") picked.server.release();
    return overLimit(place, admission, request, state);
  }
  const exchange = new Exchange(request, admission, picked, state);
  let response: Response;
  try {
    response = prepared.websocket
      ? await exchange.webSocket(place)
      : await exchange.http();
  } catch (error) {
    response = failed(error, request, prepared, state);
  }
  // A WebSocket keeps its server and its place until it has ended.
  if (response.status === 101) return response;
  const end = () => {
    exchange.end();
    place?.();
  };
  info.completed.then(end, end);
  return response;
}

/** One request on its way. */
class Exchange implements EventListenerObject {
  readonly #stop = new Stop();
  #deadline: Deadline | null = null;
  #body: RequestBody | null = null;
  #release: (() => void) | null = null;

  constructor(
    readonly request: Request,
    readonly admission: Admitted,
    readonly picked: Picked,
    readonly state: ServerState,
  ) {
    request.signal.addEventListener("abort", this);
    const { requestTimeout } = admission.prepared.location;
    if (requestTimeout === 0 || admission.prepared.websocket) return;
    this.#deadline = state.deadlines.start(requestTimeout, () => this.#late());
  }

  /** The client has left. */
  handleEvent(): void {
    this.#stop.now(new ClientClosedRequest());
  }

  /** The exchange's time is over: whose fault is it? */
  #late(): void {
    const { name } = this.admission.prepared.address;
    this.#stop.now(
      this.#body?.waiting
        ? new ClientError(408)
        : new UpstreamError("timeout", name),
    );
  }

  async http(): Promise<Response> {
    const { request, admission, state } = this;
    const { prepared, hasBody } = admission;
    if (hasBody && request.body !== null) {
      const length = request.headers.has("transfer-encoding")
        ? null
        : Number(request.headers.get("content-length"));
      this.#body = new RequestBody(
        request.body,
        length,
        prepared.location,
        state.deadlines,
      );
    }
    const body = this.#body;
    const { response, server } = await this.#attempt(
      (server) => send(request, prepared, body, server, state, this.#stop),
      () => body === null || body.replayable,
    );
    body?.settle();
    const { group, client } = this.picked;
    prepared.setCookie = group.cookieFor(client, server);
    this.#release = () => server.release();
    return clientResponse(request, prepared, response, state.deadlines);
  }

  /** @param place What to give back when the WebSocket has ended. */
  async webSocket(place: (() => void) | null): Promise<Response> {
    const { request, admission, state } = this;
    const { prepared } = admission;
    const { response, server } = await this.#attempt(
      (server) => {
        const abort = new AbortController();
        this.#stop.listen((reason) => abort.abort(reason));
        const ended = () => {
          server.release();
          place?.();
        };
        return bridgeWebSocket(request, prepared, state.bridges, {
          deadlines: state.deadlines,
          signal: abort.signal,
          log: state.accessLog,
          ended,
        });
      },
      () => true,
    );
    if (response.status !== 101) this.#release = () => server.release();
    return response;
  }

  /** The response has been delivered, or never will be. */
  end(): void {
    this.#body?.close();
    this.#release?.();
    if (this.#deadline !== null) this.state.deadlines.stop(this.#deadline);
    this.request.signal.removeEventListener("abort", this);
    this.#stop.listen(null);
  }

  #attempt(
    send: Parameters<typeof attempt>[1]["send"],
    replayable: () => boolean,
  ) {
    const { picked, admission, state } = this;
    const { location, context } = admission.prepared;
    return attempt(picked.server, {
      group: picked.group,
      client: picked.client,
      location,
      method: context.method,
      replayable,
      send,
      moved: (server) => redirectTo(admission, server.address),
      stop: this.#stop,
      report: state.errorLog,
    });
  }
}
