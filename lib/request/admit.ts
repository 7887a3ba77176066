/**
 * Admit: what can be said of a request by itself. Nothing of a request that is
 * refused here reaches an upstream.
 *
 * @module
 */
import type { CommonPlan, ListenerPlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { readForwarded } from "../exchange/forwarded.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { type Host, parseHost, splitUrl } from "../route/host.ts";
import { isIn } from "../route/network.ts";
import { parseTarget } from "../route/path.ts";
import { PROOF_HEADER, RELOAD } from "./control.ts";
import { asksForWebSocket, refuseHandshake } from "../websocket/handshake.ts";

/**
 * Reads who asks for what, and in which framing.
 *
 * @returns Null for a request that may go on.
 */
export function admit(
  exchange: Exchange,
  listener: ListenerPlan,
): LocalResponse | null {
  const { method, fields, url, place } = exchange;
  const split = splitUrl(
    url,
    place.urlScheme,
    fields.host,
    place.fallbackHost,
  );
  if (split !== null) exchange.requestUri = split.target;
  if (method === "TRACE" || method === "CONNECT") {
    return notAllowed(`The method ${method} is not proxied.`);
  }
  if (method === RELOAD && exchange.headers.has(PROOF_HEADER)) {
    return notAllowed("This is not the config's proof, or not from here.");
  }
  if (!isMethod(method)) {
    // `fetch` would turn `get` into `GET`, another method (RFC 9110 9.1).
    return malformed("A method is written in capital letters.");
  }
  if (split === null) return malformed("The request target is malformed.");
  if (method === "OPTIONS" && split.target === "/*") {
    // Deno makes this of `OPTIONS *` (RFC 9110 section 9.3.7), which asks about
    // the proxy and not about a path; nginx refuses it too.
    return malformed("OPTIONS * is not supported.");
  }
  const host = split.authority === null ? null : parseHost(split.authority);
  if (split.authority !== null && host === null) {
    return malformed("The Host header is malformed.");
  }
  exchange.authority = split.authority;
  exchange.httpHost = split.authority ?? "";
  exchange.hostname = host?.host ?? null;
  trust(listener.common, exchange);
  const target = parseTarget(split.target);
  if (target === null) {
    return malformed(
      "The path has an invalid escape or leads above the root.",
    );
  }
  exchange.target = target;
  return readFraming(exchange) ?? readHandshake(exchange);
}

/** Takes over what a trusted proxy in front says of the client. */
function trust(
  { trustedProxies, realIpHeader }: CommonPlan,
  exchange: Exchange,
): void {
  if (!isIn(trustedProxies, exchange.peerAddr)) return;
  const told = readForwarded(exchange.headers, trustedProxies, realIpHeader);
  if (told.remoteAddr !== null) exchange.remoteAddr = told.remoteAddr;
  if (told.scheme !== null) exchange.scheme = told.scheme;
  const host: Host | null = told.host === null ? null : parseHost(told.host);
  if (host === null) return;
  exchange.forwardedHost = told.host;
  exchange.authority = told.host;
  exchange.hostname = host.host;
}

function readFraming(exchange: Exchange): LocalResponse | null {
  const { method, fields: { transferEncoding, contentLength } } = exchange;
  if (
    transferEncoding !== null && transferEncoding.toLowerCase() !== "chunked"
  ) {
    // Deno hands over `gzip, chunked` with the inner coding still on; passed on
    // as plain chunked it would be another body (RFC 9112 section 6.1).
    return new LocalResponse(
      501,
      "The only transfer coding supported is chunked.",
    );
  }
  if (contentLength !== null && !isLength(contentLength)) {
    // Deno lets a repeated one through, joined: `5, 5` (RFC 9112 section 6.3).
    return malformed(
      "The Content-Length is malformed, or there are several.",
    );
  }
  exchange.hasBody = transferEncoding === null && contentLength === null
    // HTTP/2 needs neither; in HTTP/1.1 there is no body then.
    ? (method === "GET" || method === "HEAD" ? false : "unsure")
    : transferEncoding !== null || contentLength !== "0";
  exchange.bodyLength = transferEncoding !== null || contentLength === null
    ? null
    : Number(contentLength);
  if (exchange.hasBody === true && (method === "GET" || method === "HEAD")) {
    // Deno drops the body of these; whether a chunked one is empty nobody sees.
    return malformed(`A ${method} request with a body can't be forwarded.`);
  }
  return null;
}

function readHandshake(exchange: Exchange): LocalResponse | null {
  if (!asksForWebSocket(exchange.method, exchange.fields)) return null;
  const refused = refuseHandshake(exchange.fields);
  exchange.websocket = refused === null;
  return refused;
}

function malformed(detail: string): LocalResponse {
  return new LocalResponse(400, detail);
}

function notAllowed(detail: string): LocalResponse {
  return new LocalResponse(405, detail, null, [["allow", "*"]]);
}

/** nginx's idea of a method: capital letters, `_` and `-`. */
function isMethod(method: string): boolean {
  for (let i = 0; i < method.length; i++) {
    const c = method.charCodeAt(i);
    if ((c < 0x41 || c > 0x5a) && c !== 0x2d && c !== 0x5f) return false;
  }
  return true;
}

function isLength(contentLength: string): boolean {
  for (let i = 0; i < contentLength.length; i++) {
    const c = contentLength.charCodeAt(i);
    if (c < 0x30 || c > 0x39) return false;
  }
  return contentLength !== "";
}
