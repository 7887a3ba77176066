/**
 * One HTTP exchange with an upstream, by `fetch`. Bodies stream both ways
 * outside JavaScript; nothing is collected.
 *
 * @module
 */
import type { LocationPlan } from "../config/plan.ts";
import type { UpstreamServer } from "../upstream/group.ts";
import { BodyTooLarge, limitBody } from "./body_limit.ts";
import { classify } from "./fetch_error.ts";
import { responseHeaders } from "./headers.ts";
import type { Deadlines } from "./deadline.ts";
import type { PreparedRequest } from "./prepared.ts";
import { rewriteRedirects } from "./redirect.ts";
import { UpstreamError } from "./upstream_error.ts";

/** The client left before there was an answer: nginx's 499. Nobody reads the answer. */
export class ClientClosedRequest extends Error {
  override readonly name = "ClientClosedRequest";
}

/** Statuses whose response never has a body (Fetch standard, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Sends a request and gives the response for the client as soon as its head is
 * there.
 *
 * @param hasBody Whether the request has a body, by its framing.
 * @throws {UpstreamError} where the upstream gave no answer.
 * @throws {BodyTooLarge} where a body without a length outgrew its limit.
 * @throws {ClientClosedRequest} where the client left.
 */
export async function exchange(
  request: Request,
  prepared: PreparedRequest,
  hasBody: boolean,
  server: UpstreamServer,
  deadlines: Deadlines,
): Promise<Response> {
  const upstream = await send(request, prepared, hasBody, server, deadlines);
  if (upstream.status < 200 || upstream.status > 599) {
    // `Response` takes no other status.
    await upstream.body?.cancel();
    throw new UpstreamError("invalid", server.address.name);
  }
  const headers = responseHeaders(upstream.headers);
  rewriteRedirects(headers, prepared);
  headers.push(["x-request-id", prepared.context.requestId]);
  return new Response(bodyFor(request, upstream), {
    status: upstream.status,
    statusText: upstream.statusText,
    headers,
  });
}

function bodyFor(request: Request, upstream: Response): BodyInit | null {
  if (NULL_BODY.has(upstream.status)) return null;
  // To a HEAD without a length Deno would add `content-length: 0`, which a GET
  // would not have (RFC 9110 section 8.6); a stream keeps it from that.
  if (request.method === "HEAD" && !upstream.headers.has("content-length")) {
    return new ReadableStream({ start: (controller) => controller.close() });
  }
  return upstream.body;
}

async function send(
  request: Request,
  prepared: PreparedRequest,
  hasBody: boolean,
  server: UpstreamServer,
  deadlines: Deadlines,
): Promise<Response> {
  const { location } = prepared;
  const abort = new AbortController();
  const clientLeft = () => abort.abort(new ClientClosedRequest());
  request.signal.addEventListener("abort", clientLeft, { once: true });
  const limited = hasBody ? limitBody(request, location) : null;
  const init: RequestInit & { client: Deno.HttpClient } = {
    method: request.method,
    headers: prepared.headers,
    // The platform's own stream, not a wrapper: only that keeps the framing
    // (a Content-Length stays one) and streams outside JavaScript.
    body: limited?.body ?? null,
    redirect: "manual",
    signal: abort.signal,
    client: server.client,
  };
  const url = server.origin + prepared.target;
  const timeout = location.proxyReadTimeout +
    (hasBody ? uploadTime(request, location) : 0);
  const deadline = deadlines.start(timeout, () => {
    abort.abort(new UpstreamError("timeout", server.address.name));
  });
  try {
    return await fetch(url, init).catch((error) => {
      // An idle connection that the upstream closes just as we use it loses the
      // request before the upstream saw it, mostly. To repeat an idempotent
      // request without a body is safe in any case (RFC 9110 section 9.2.2).
      if (
        !hasBody && isIdempotent(request.method) && !abort.signal.aborted &&
        classify(error) === "closed"
      ) return fetch(url, init);
      throw error;
    });
  } catch (error) {
    if (limited?.exceeded()) throw new BodyTooLarge();
    if (abort.signal.aborted) throw abort.signal.reason;
    if (request.signal.aborted) throw new ClientClosedRequest();
    throw new UpstreamError(classify(error), server.address.name, {
      cause: error,
    });
  } finally {
    deadlines.stop(deadline);
  }
}

/**
 * The longest that a body may take to be sent, in milliseconds. nginx counts
 * `proxy_read_timeout` from the end of the body; where the platform sends it,
 * nobody tells us when that is, so a client of 64 KiB a second is waited for.
 */
function uploadTime(request: Request, location: LocationPlan): number {
  const length = Number(
    request.headers.get("content-length") ?? location.clientMaxBodySize,
  );
  // In steps, so that there are few different time-outs to watch.
  const steps = Math.ceil(length / (64 * 1024) / 10);
  return Math.min(steps * 10_000, LONGEST_UPLOAD);
}

/** A day: timers have a limit. */
const LONGEST_UPLOAD = 86_400_000;

/** RFC 9110 section 9.2.2, without those that carry a body as a rule. */
function isIdempotent(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}
