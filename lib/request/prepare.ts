/**
 * Admit, match, pick: from a request to what will be sent upstream, or to the
 * answer that it gets at once. It sends nothing itself, so the handler and
 * `explain` share it and can't disagree.
 *
 * @module
 */
import type {
  ListenerPlan,
  LocationPlan,
  UpstreamAddress,
} from "../config/plan.ts";
import type {
  PreparedRequest,
  ProxyLocation,
} from "../content/proxy/prepared.ts";
import { hasToken } from "../exchange/headers.ts";
import { utf8Bytes } from "../route/bytes.ts";
import { type Host, parseHost, splitUrl } from "../route/host.ts";
import { findLocation } from "../route/location.ts";
import { parseTarget } from "../route/path.ts";
import { findServer } from "../route/server.ts";
import { escapePath, forwardTarget, replaceTarget } from "../route/target.ts";
import { isIn, type NetworkSet } from "../route/network.ts";
import { Context, requestId } from "../exchange/exchange.ts";
import { readForwarded } from "../exchange/forwarded.ts";
import { PROOF_HEADER, RELOAD } from "../server/control.ts";
import { RequestFields, requestHeaders } from "../exchange/fields.ts";

/** A request, as `Deno.serve` hands it over. `url` is not normalised. */
export type Incoming = Pick<Request, "url" | "method" | "headers">;

/** The facts of the connection that a request came on. */
export interface Connection {
  /** What Deno puts in front of the host in `url`: `http://` or `http+unix://`. */
  readonly urlScheme: string;
  /** What Deno puts in `url` where the request has no host: `localhost:9000`. */
  readonly fallbackHost: string;
  /** The listener's port, `""` for a unix socket. */
  readonly serverPort: string;
  readonly remoteAddr: string;
  readonly remotePort: string;
}

/** What becomes of a request. */
export type Admission =
  | {
    kind: "proxy";
    prepared: PreparedRequest;
    fields: RequestFields;
    hasBody: boolean;
    context: Context;
  }
  | {
    /** Answered by the proxy itself. */
    kind: "answer";
    status: number;
    /** Why, in words for the person who sent it. */
    reason: string;
    /** Where a 301 points. */
    location?: string;
    context: Context;
  };

/**
 * Decides about a request.
 *
 * @param pick Chooses the server of the location's upstream.
 */
export function prepareRequest(
  listener: ListenerPlan,
  request: Incoming,
  connection: Connection,
  pick: (location: ProxyLocation, context: Context) => UpstreamAddress,
): Admission {
  const { headers, method } = request;
  const fields = new RequestFields(headers);
  const split = splitUrl(
    request.url,
    connection.urlScheme,
    fields.host,
    connection.fallbackHost,
  );
  const context = new Context(
    method,
    headers,
    fields,
    "http",
    connection.remoteAddr,
    connection.remotePort,
    connection.serverPort,
    requestId(fields.requestId),
    split?.target ?? request.url,
  );
  const answer = (status: number, reason: string): Admission => ({
    kind: "answer",
    status,
    reason,
    context,
  });

  // Admit: nothing of a request that fails here reaches an upstream.
  if (method === "TRACE" || method === "CONNECT") {
    return answer(405, `the method ${method} is not proxied`);
  }
  if (method === RELOAD && headers.has(PROOF_HEADER)) {
    return answer(405, "this is not the config's proof, or not from here");
  }
  if (!isMethod(method)) {
    // `fetch` would turn `get` into `GET`, another method (RFC 9110 9.1).
    return answer(400, "a method is written in capital letters");
  }
  if (split === null) return answer(400, "the request target is malformed");
  const host = split.authority === null ? null : parseHost(split.authority);
  if (split.authority !== null && host === null) {
    return answer(400, "the Host header is malformed");
  }
  const seen = trust(listener.common.trustedProxies, context) ??
    { authority: split.authority, host };
  const target = parseTarget(split.target);
  if (target === null) {
    return answer(
      400,
      "the path has an invalid escape or leads above the root",
    );
  }
  const coding = fields.transferEncoding;
  if (coding !== null && coding.toLowerCase() !== "chunked") {
    // Deno hands over `gzip, chunked` with the inner coding still on; passed on
    // as plain chunked it would be another body (RFC 9112 section 6.1).
    return answer(501, "the only transfer coding supported is chunked");
  }
  const length = fields.contentLength;
  if (length !== null && !isLength(length)) {
    // Deno lets a repeated one through, joined: `5, 5` (RFC 9112 section 6.3).
    return answer(400, "the Content-Length is malformed, or there are several");
  }
  const hasBody = coding !== null || (length !== null && length !== "0");
  if (hasBody && (method === "GET" || method === "HEAD")) {
    return answer(400, `a ${method} request with a body can't be forwarded`);
  }

  // Match: the server by host, the location by path.
  const { authority } = seen;
  const name = seen.host === null ? null : seen.host.host;
  const server = findServer(listener.servers, name);
  context.path = target.path;
  context.args = target.args;
  context.host = name ?? server.name;
  context.serverName = server.name;
  const match = findLocation(server.locations, target.path);
  if (match === null) return answer(404, "no location takes this path");
  const location = match.location;
  if (match.kind === "redirect") {
    const origin = authority === null ? "" : `${context.scheme}://${authority}`;
    // Deno gives raw UTF-8 in a target as characters; a header takes bytes.
    const query = target.args === "" ? "" : utf8Bytes(`?${target.args}`);
    return {
      kind: "answer",
      status: 301,
      reason: "the location ends with a slash",
      location: origin + escapePath(location.prefix) + query,
      context,
    };
  }
  if (isOver(length, location.settings.client_max_body_size)) {
    return answer(413, tooLarge(location));
  }

  // The other kinds of content come with the phases of a request.
  if (!isProxy(location)) return answer(501, "no server is behind this path");

  const sent = location.content.passUri === null
    ? forwardTarget(target, server.locations, location)
    : replaceTarget(target, location.prefix, location.content.passUri);
  if (sent === null) {
    return answer(400, "the path would leave that of proxy_pass");
  }

  // Pick: a server of the upstream group.
  context.proxyHost = location.content.upstream.name;
  const address = pick(location, context);
  context.upstreamAddr = address.name;
  const websocket = method === "GET" &&
    hasToken(fields.upgrade, "websocket") &&
    hasToken(fields.connection, "upgrade");
  const prepared: PreparedRequest = {
    server,
    location,
    address,
    context,
    scheme: context.scheme,
    authority,
    websocket,
    target: sent,
    headers: requestHeaders(
      fields,
      context,
      location.content,
      websocket,
      hasBody,
    ),
    setCookie: null,
  };
  return { kind: "proxy", prepared, fields, hasBody, context };
}

/** The request goes to another server than the one it was prepared for. */
export function redirectTo(
  { prepared, fields, hasBody, context }: Admission & { kind: "proxy" },
  address: UpstreamAddress,
): void {
  prepared.address = address;
  context.upstreamAddr = address.name;
  const { location, websocket } = prepared;
  // A header may tell the server's address.
  prepared.headers = requestHeaders(
    fields,
    context,
    location.content,
    websocket,
    hasBody,
  );
}

/** What a trusted proxy in front tells of the client; null where there is none. */
function trust(
  trusted: NetworkSet,
  context: Context,
): { authority: string | null; host: Host | null } | null {
  if (!isIn(trusted, context.peerAddr)) return null;
  const told = readForwarded(context.headers, trusted);
  if (told.remoteAddr !== null) context.remoteAddr = told.remoteAddr;
  if (told.scheme !== null) context.scheme = told.scheme;
  const host = told.host === null ? null : parseHost(told.host);
  if (host === null) return null;
  context.forwardedHost = told.host;
  return { authority: told.host, host };
}

function isProxy(location: LocationPlan): location is ProxyLocation {
  return location.content.kind === "proxy";
}

/** In words, why a body is refused with 413. */
export function tooLarge(location: LocationPlan): string {
  return `the body is larger than client_max_body_size ` +
    `(${location.settings.client_max_body_size} bytes)`;
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

function isOver(contentLength: string | null, limit: number): boolean {
  return limit !== 0 && contentLength !== null && Number(contentLength) > limit;
}
