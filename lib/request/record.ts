/**
 * Recording a request for the admin page.
 *
 * @module
 */
import type { Exchange, ExchangeRecord } from "../exchange/exchange.ts";
import { cookieVerdicts } from "../observe/recorder/cookie_verdicts.ts";
import { maskedFields, maskedTarget } from "../observe/recorder/masking.ts";
import { findLocation } from "../route/location.ts";
import { losersOf } from "../route/losers.ts";
import type { RequestHead } from "../observe/recorder/kept.ts";
import type { Recording } from "../observe/recorder/recording.ts";

/** Locations that are told of beside the request's own. */
const MOST_LOSERS = 40;

/** Methods that change nothing (RFC 9110 section 9.2.1) and need no body. */
const REPEATABLE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** How a request has ended. */
interface Outcome {
  readonly response: Response;
  readonly start: number;
  readonly duration: number;
  readonly bytes: number;
}

/** What is recorded of a request that has ended. */
export function recordingOf(
  exchange: Exchange,
  { sent, answered }: ExchangeRecord,
  { response, start, duration, bytes }: Outcome,
): Recording {
  const { requestId, method, target, location, server, scheme } = exchange;
  const { headers, status } = response;
  const asked = target.raw || exchange.requestUri;
  return {
    id: requestId,
    at: performance.timeOrigin + exchange.started,
    method: exchange.requestMethod,
    scheme,
    target: maskedTarget(asked),
    status,
    start,
    duration,
    client: exchange.remoteAddr,
    peer: exchange.peerAddr,
    port: exchange.serverPort,
    location: location?.key ?? "",
    server: server.name,
    attempts: (exchange.attempts ?? []).map((attempt) => ({
      address: attempt.address,
      status: attempt.status,
      took: (attempt.answered ?? attempt.ended ?? NaN) - attempt.begun || null,
    })),
    bytesReceived: exchange.requestBody?.size ?? 0,
    bytesSent: method === "HEAD" ? 0 : bytes,
    received: {
      target: maskedTarget(asked),
      fields: maskedFields(exchange.headers),
    },
    sent: sent === null ? null : {
      target: maskedTarget(sent.target),
      fields: maskedFields(sent.fields),
    },
    answered: answered === null ? null : maskedFields(answered),
    delivered: maskedFields(headers),
    losers: losersOf(
      server.locations,
      exchange.path,
      findLocation(server.locations, exchange.path),
    ).slice(0, MOST_LOSERS).map(({ key, why }) => [key, why]),
    verdicts: cookieVerdicts(
      headers.getSetCookie(),
      scheme,
      exchange.hostname ?? exchange.host,
    ),
    noReplay: whyNoReplay(exchange),
    replayOf: null,
  };
}

/** The request as it came, to send it again. */
export function headOf(exchange: Exchange): RequestHead {
  return {
    method: exchange.requestMethod,
    url: exchange.url,
    fields: [...exchange.headers],
    peer: exchange.peerAddr,
    peerPort: exchange.remotePort,
    place: exchange.place,
  };
}

/** A body is not kept; and what changes something is not to be done twice. */
function whyNoReplay(exchange: Exchange): string | null {
  const { requestMethod: method, requestBody } = exchange;
  if (exchange.websocket) return "A WebSocket is not opened again.";
  if (!REPEATABLE.has(method)) {
    return `A ${method} is not sent again: it may change something, and its ` +
      "body was not kept.";
  }
  return exchange.hasBody === true || (requestBody?.size ?? 0) > 0
    ? "It is not sent again: its body was not kept."
    : null;
}
