/**
 * One HTTP exchange with a server, by `fetch`. A response's body streams
 * outside JavaScript; nothing is collected.
 *
 * @module
 */
import type { UpstreamServer } from "../upstream/server.ts";
import { ClientClosedRequest, ClientError } from "../exchange/client_error.ts";
import type { Deadline, Deadlines } from "../exchange/deadline.ts";
import { classify } from "./fetch_error.ts";
import { cleanResponseHeaders } from "../exchange/headers.ts";
import { IDEMPOTENT, isIdempotent } from "../exchange/idempotent.ts";
import type { PreparedRequest } from "../content/proxy/prepared.ts";
import type { Reachability } from "./reachability.ts";
import { rewriteRedirect } from "../content/proxy/proxy_redirect.ts";
import type { BodyFailure, RequestBody } from "./request_body.ts";
import type { Stop } from "../exchange/cancellation.ts";
import { timedBody } from "./timed_body.ts";
import { UpstreamError } from "./upstream_error.ts";

/** Statuses whose response never has a body (Fetch standard, "null body status"). */
export const NULL_BODY: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** What exchanges share. */
export interface ExchangeParts {
  readonly deadlines: Deadlines;
  readonly reachability: Reachability;
}

/**
 * Sends a request and gives the upstream's response as soon as its head is
 * there.
 *
 * @param stop Stops when the client leaves or the exchange's time is over.
 * @param now The time, by `performance.now()`.
 * @throws {UpstreamError} where the upstream gave no answer.
 * @throws {ClientError} where the client's body is at fault.
 * @throws {ClientClosedRequest} where the client left.
 */
export function send(
  request: Request,
  prepared: PreparedRequest,
  body: RequestBody | null,
  server: UpstreamServer,
  parts: ExchangeParts,
  stop: Stop,
  now: number,
): Promise<Response> {
  return new Sending(request, prepared, body, server, parts, stop)
    .response(now);
}

/** One request on its way to one server. */
class Sending {
  readonly #abort = new AbortController();
  #answered = false;
  #connecting: Deadline | null = null;
  #reading: Deadline | null = null;

  constructor(
    readonly request: Request,
    readonly prepared: PreparedRequest,
    readonly body: RequestBody | null,
    readonly server: UpstreamServer,
    readonly parts: ExchangeParts,
    readonly stop: Stop,
  ) {}

  async response(now: number): Promise<Response> {
    const { request, body, server, parts: { deadlines }, stop } = this;
    const { proxy_connect_timeout: proxyConnectTimeout } =
      this.prepared.location.settings;
    // It goes on after the answer, for what is left of the request's body.
    stop.listen((reason) => this.#abort.abort(reason));
    // `fetch` does not tell whether it has a connection; so half-way through the
    // time for one, somebody looks.
    const half = proxyConnectTimeout / 2;
    this.#connecting = deadlines.start(half, () => this.#look(half), now);
    // nginx counts proxy_read_timeout from the end of the body.
    if (body === null) this.#sent(now);
    const { signal } = this.#abort;
    try {
      let response: Response;
      try {
        response = await this.#fetch();
      } catch (error) {
        // An idle connection that the upstream closes just as we use it loses
        // the request before the upstream saw it, mostly. To repeat an idempotent
        // request is safe in any case (RFC 9110 section 9.2.2).
        if (
          !IDEMPOTENT.has(request.method) || body?.replayable === false ||
          signal.aborted || classify(error) !== "closed"
        ) throw error;
        response = await this.#fetch();
      }
      if (response.status < 200 || response.status > 599) {
        // `Response` takes no other status.
        await response.body?.cancel();
        throw new UpstreamError("invalid", server.name);
      }
      this.#answered = true;
      return response;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof UpstreamError) throw error;
      if (request.signal.aborted) throw new ClientClosedRequest();
      throw new UpstreamError(classify(error), server.name, { cause: error });
    } finally {
      deadlines.stop(this.#connecting);
      if (this.#reading !== null) deadlines.stop(this.#reading);
      if (!this.#answered) stop.listen(null);
    }
  }

  /** All of the body has been handed over: the answer's time begins. */
  #sent(now: number): void {
    const { server, parts: { deadlines } } = this;
    this.#reading ??= deadlines.start(
      this.prepared.location.settings.proxy_read_timeout.head,
      () => this.#abort.abort(new UpstreamError("timeout", server.name)),
      now,
    );
  }

  #fetch(): Promise<Response> {
    const { request, prepared, body, server } = this;
    const init: RequestInit & { client: Deno.HttpClient } = {
      method: request.method,
      headers: prepared.headers,
      // A listener for each time: by it the body knows who is given up.
      body: body === null ? null : body.send({
        sent: () => this.#sent(performance.now()),
        failed: (reason) => this.#abort.abort(bodyError(reason, server)),
      }),
      redirect: "manual",
      signal: this.#abort.signal,
      client: body === null && !isIdempotent(request.method)
        ? server.unpooled()
        : server.client,
    };
    return fetch(server.origin + prepared.target, init);
  }

  /** @param timeout Milliseconds for a connection. */
  async #look(timeout: number): Promise<void> {
    const { server, parts: { reachability } } = this;
    if (await reachability.check(server, timeout) || this.#answered) return;
    this.#abort.abort(new UpstreamError("unconnected", server.name));
  }
}

/**
 * The response for the client: headers cleaned and rewritten, the body as it
 * comes.
 *
 * @param stop Stops when the exchange's time is over.
 */
export function clientResponse(
  request: Request,
  prepared: PreparedRequest,
  upstream: Response,
  deadlines: Deadlines,
  stop: Stop,
): Response {
  const { status, statusText, headers } = upstream;
  const body = bodyFor(request, prepared, upstream, deadlines, stop);
  // A `Headers` is copied as it is; what else could be given is checked and
  // compared, field by field, which costs 10 µs.
  const response = new Response(body, { status, statusText, headers });
  const own = response.headers;
  cleanResponseHeaders(
    own,
    headers,
    (name, value) => rewriteRedirect(name, value, prepared),
  );
  own.set("x-request-id", prepared.context.requestId);
  if (prepared.setCookie !== null) {
    own.append("set-cookie", prepared.setCookie);
  }
  return response;
}

function bodyFor(
  request: Request,
  { location }: PreparedRequest,
  upstream: Response,
  deadlines: Deadlines,
  stop: Stop,
): BodyInit | null {
  if (NULL_BODY.has(upstream.status)) return null;
  // To a HEAD without a length Deno would add `content-length: 0`, which a GET
  // would not have (RFC 9110 section 8.6); a stream keeps it from that.
  if (request.method === "HEAD" && !upstream.headers.has("content-length")) {
    return new ReadableStream({ start: (controller) => controller.close() });
  }
  const { proxy_read_timeout: readTimeout, request_timeout: requestTimeout } =
    location.settings;
  const proxyBodyTimeout = readTimeout.body;
  return upstream.body === null || proxyBodyTimeout + requestTimeout === 0
    ? upstream.body
    : timedBody(upstream.body, proxyBodyTimeout, deadlines, stop);
}

function bodyError(
  reason: BodyFailure,
  server: UpstreamServer,
): ClientError | ClientClosedRequest | UpstreamError {
  switch (reason) {
    case "too large":
      return new ClientError(413);
    case "not received":
      return new ClientError(408);
    case "broken off":
      return new ClientClosedRequest();
    case "not taken":
      return new UpstreamError("timeout", server.name);
  }
}
