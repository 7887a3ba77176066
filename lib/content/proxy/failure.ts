/**
 * The answer to a request that could not be finished, and the line for whoever
 * runs the proxy.
 *
 * @module
 */
import type { LocationPlan } from "../../config/plan.ts";
import { ClientClosedRequest, ClientError } from "../../exchange/errors.ts";
import {
  clientHasLeft,
  LocalResponse,
  tooLarge,
} from "../../exchange/local_response.ts";
import { UpstreamError, type UpstreamFailure } from "../../transport/errors.ts";

/** Seconds after which who was refused for a limit may come again. */
const RETRY_AFTER = "1";

/**
 * What a page of Vite 4 or 5 accepts when it asks whether Vite is back. It takes
 * any answer for a yes, even a 502, and reloads: into an error page that never
 * asks again.
 */
const VITE_PING = "text/x-vite-ping";

/**
 * A redirect to another scheme than HTTP's is a network error to `fetch` (Fetch
 * standard, "HTTP-redirect fetch"), as a refused connection is. Deno has no way
 * to cut a connection instead of answering.
 */
const NOWHERE = "about:blank";

/**
 * What to answer.
 *
 * @param accept The request's `Accept`; null for none.
 * @param upstream The name of the upstream.
 * @param report Takes a line for whoever runs the proxy.
 */
export function failureResponse(
  error: unknown,
  accept: string | null,
  location: LocationPlan,
  upstream: string,
  report: (line: string) => void,
): LocalResponse {
  if (error instanceof UpstreamError) {
    const { status } = error;
    const advice = upstreamAdvice(error, upstream);
    report(`${status} ${location.key}: ${advice}`);
    if (accept === VITE_PING) {
      return new LocalResponse(302, "Vite does not answer.", advice, [
        ["location", NOWHERE],
      ]);
    }
    return new LocalResponse(
      status,
      DETAIL[status],
      advice,
      status === 503 ? [["retry-after", RETRY_AFTER]] : [],
    );
  }
  if (error instanceof ClientError) {
    // What is left of the body must not be taken for the next request.
    return new LocalResponse(
      error.status,
      clientFault(error, location),
      null,
      [["connection", "close"]],
    );
  }
  if (error instanceof ClientClosedRequest) {
    return clientHasLeft();
  }
  // A bug of ours must not end the process, nor tell strangers about itself.
  report(`500 ${location.key}: ${describe(error)}`);
  return new LocalResponse(500, "The proxy failed on this request.");
}

function clientFault(
  { status }: ClientError,
  { settings }: LocationPlan,
): string {
  switch (status) {
    case 400:
      return "The chunked coding of the body is malformed.";
    case 408:
      return "The body of the request did not arrive in time.";
    case 413:
      return tooLarge(settings.client_max_body_size);
  }
}

const DETAIL = {
  502: "The service behind this address is not available right now.",
  503: "The service behind this address is too busy right now.",
  504: "The service behind this address did not answer in time.",
} as const;

const ADVICE: Record<UpstreamFailure, string> = {
  refused: "nothing listens there: is the service running, on this port?",
  unresolved: "no such host: check the name in config.yaml, or whether the " +
    "container is up",
  unreachable: "no connection could be made: check the address and the network",
  unconnected: "no connection within proxy_connect_timeout: is the machine " +
    "up, and does a firewall drop the packets?",
  timeout: "it gave no answer in time: it may hang, or proxy_read_timeout is " +
    "too short for it",
  closed: "it closed the connection before it answered: look at its log",
  invalid: "what it answered is not HTTP/1.1: is this the right port?",
  tls: "the TLS handshake failed: check the certificate, or use http://",
  none:
    "no server of it can be used: all are down, or fail their health checks",
  busy: "every server of it has max_conns requests already",
};

/** In `dev`: which upstream, which address, what to do. */
function upstreamAdvice(error: UpstreamError, upstream: string): string {
  const at = error.address === upstream ? "" : ` at ${error.address}`;
  const advice = error.detail === null
    ? ADVICE[error.failure]
    : `what it answered can't be passed on: ${error.detail}`;
  return `upstream "${upstream}"${at}: ${advice}`;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
