/**
 * One HTTP exchange with a server, by `fetch`. A response's body streams
 * outside JavaScript; nothing is collected.
 *
 * @module
 */
import type { UpstreamServer } from "../upstream/server.ts";
import { ClientClosedRequest, ClientError } from "./client_error.ts";
import type { Deadlines } from "./deadline.ts";
import { classify } from "./fetch_error.ts";
import { cleanResponseHeaders } from "./headers.ts";
import type { PreparedRequest } from "./prepared.ts";
import type { Reachability } from "./reachability.ts";
import { rewriteRedirect } from "./redirect.ts";
import type { BodyFailure, RequestBody } from "./request_body.ts";
import type { Stop } from "./stop.ts";
import { timedBody } from "./timed_body.ts";
import { UpstreamError } from "./upstream_error.ts";

/** Statuses whose response never has a body (Fetch standard, "null body status"). */
export const NULL_BODY: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
]);

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
 * @throws {UpstreamError} where the upstream gave no answer.
 * @throws {ClientError} where the client's body is at fault.
 * @throws {ClientClosedRequest} where the client left.
 */
export async function send(
  request: Request,
  prepared: PreparedRequest,
  body: RequestBody | null,
  server: UpstreamServer,
  { deadlines, reachability }: ExchangeParts,
  stop: Stop,
): Promise<Response> {
  const { location } = prepared;
  const abort = new AbortController();
  const giveUp = (reason: unknown) => abort.abort(reason);
  let answered = false;
  // It goes on after the answer: then it ends the body.
  stop.listen(giveUp);
  const timeout = () => giveUp(new UpstreamError("timeout", server.name));
  const startReading = () =>
    deadlines.start(location.proxyReadTimeout, timeout);
  // nginx counts proxy_read_timeout from the end of the body.
  let reading = body === null ? startReading() : null;
  // `fetch` does not tell whether it has a connection; so half-way through the
  // time for one, somebody looks.
  const half = location.proxyConnectTimeout / 2;
  const connecting = deadlines.start(half, () => {
    reachability.check(server, half).then((reachable) => {
      if (reachable || answered) return;
      giveUp(new UpstreamError("unconnected", server.name));
    });
  });
  const sendIt = () => {
    const init: RequestInit & { client: Deno.HttpClient } = {
      method: request.method,
      headers: prepared.headers,
      body: body === null ? null : body.send({
        sent: () => {
          reading ??= startReading();
        },
        failed: (reason) => giveUp(bodyError(reason, server)),
      }),
      redirect: "manual",
      signal: abort.signal,
      client: server.client,
    };
    return fetch(server.origin + prepared.target, init);
  };
  try {
    const response = await sendIt().catch((error) => {
      // An idle connection that the upstream closes just as we use it loses the
      // request before the upstream saw it, mostly. To repeat an idempotent
      // request is safe in any case (RFC 9110 section 9.2.2).
      if (
        IDEMPOTENT.has(request.method) && body?.replayable !== false &&
        !abort.signal.aborted && classify(error) === "closed"
      ) return sendIt();
      throw error;
    });
    if (response.status < 200 || response.status > 599) {
      // `Response` takes no other status.
      await response.body?.cancel();
      throw new UpstreamError("invalid", server.name);
    }
    answered = true;
    return response;
  } catch (error) {
    if (abort.signal.aborted) throw abort.signal.reason;
    if (error instanceof UpstreamError) throw error;
    if (request.signal.aborted) throw new ClientClosedRequest();
    throw new UpstreamError(classify(error), server.name, { cause: error });
  } finally {
    deadlines.stop(connecting);
    if (reading !== null) deadlines.stop(reading);
    if (!answered) stop.listen(null);
  }
}

/** The response for the client: headers cleaned and rewritten, the body as it comes. */
export function clientResponse(
  request: Request,
  prepared: PreparedRequest,
  upstream: Response,
  deadlines: Deadlines,
): Response {
  const { status, statusText, headers } = upstream;
  const body = bodyFor(request, prepared, upstream, deadlines);
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
): BodyInit | null {
  if (NULL_BODY.has(upstream.status)) return null;
  // To a HEAD without a length Deno would add `content-length: 0`, which a GET
  // would not have (RFC 9110 section 8.6); a stream keeps it from that.
  if (request.method === "HEAD" && !upstream.headers.has("content-length")) {
    return new ReadableStream({ start: (controller) => controller.close() });
  }
  const { proxyBodyTimeout, requestTimeout } = location;
  return upstream.body === null || proxyBodyTimeout + requestTimeout === 0
    ? upstream.body
    : timedBody(upstream.body, proxyBodyTimeout, deadlines);
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
