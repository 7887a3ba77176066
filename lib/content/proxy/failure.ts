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
import type { Diagnosis } from "../../exchange/diagnosis.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/fields.ts";
import { UpstreamError } from "../../transport/errors.ts";
import { failureWords } from "./failure_words.ts";

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
 * @param exchange Of the request that has failed.
 * @param upstream The name of the upstream.
 * @param report Takes a line for whoever runs the proxy.
 * @param diagnosis What was tried; null where nobody is told.
 */
export function failureResponse(
  error: unknown,
  exchange: Exchange,
  location: LocationPlan,
  upstream: string,
  report: (line: string) => void,
  diagnosis: Diagnosis | null,
): LocalResponse {
  if (error instanceof UpstreamError) {
    const { status } = error;
    const advice = upstreamAdvice(error, upstream);
    report(`${status} ${location.key}: ${advice}`);
    if (exchange.fields.accept === VITE_PING) {
      return new LocalResponse(302, "Vite does not answer.", advice, [
        ["location", NOWHERE],
      ]);
    }
    return new LocalResponse(
      status,
      DETAIL[status],
      advice,
      status === 503 ? [["retry-after", RETRY_AFTER]] : [],
      diagnosis,
    );
  }
  if (error instanceof ClientError) {
    // What is left of the body must not be taken for the next request.
    const close: Field[] = [["connection", "close"]];
    return error.status === 413
      ? tooLarge(location, exchange.bodyLength, close)
      : new LocalResponse(
        error.status,
        CLIENT_FAULT[error.status],
        null,
        close,
      );
  }
  if (error instanceof ClientClosedRequest) {
    return clientHasLeft();
  }
  // A bug of ours must not end the process, nor tell strangers about itself.
  report(`500 ${location.key}: ${describe(error)}`);
  return new LocalResponse(500, "The proxy failed on this request.");
}

const CLIENT_FAULT = {
  400: "The chunked coding of the body is malformed.",
  408: "The body of the request did not arrive in time.",
} as const;

const DETAIL = {
  502: "The service behind this address is not available right now.",
  503: "The service behind this address is too busy right now.",
  504: "The service behind this address did not answer in time.",
} as const;

/** For whoever runs the proxy: which upstream, which address, what to do. */
function upstreamAdvice(error: UpstreamError, upstream: string): string {
  const at = error.address === upstream ? "" : ` at ${error.address}`;
  return `upstream "${upstream}"${at}: ${failureWords(error)}`;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
