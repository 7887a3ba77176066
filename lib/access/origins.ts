/**
 * Whose pages may open a WebSocket: `websocket_origins`.
 *
 * @module
 */
import type { LocationPlan, WebSocketOrigins } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LocalResponse } from "../exchange/local_response.ts";
import { quote } from "../config/words.ts";
import { parseHost } from "../route/host.ts";
import { type Origin, parseOrigin } from "../route/origin.ts";
import type { Notices } from "./notices.ts";

/** Refuses a handshake that a foreign page has begun, and tells of it. */
export function checkOrigin(
  exchange: Exchange,
  location: LocationPlan,
  notices: Notices,
): LocalResponse | null {
  const refusal = refuseOrigin(exchange, location);
  if (refusal === null) return null;
  const { key } = location;
  notices.tell(`origin ${key}`, () => `403 ${key}: ${refusal.advice}`);
  return refusal;
}

/** The answer to a handshake that a foreign page has begun; null for others. */
export function refuseOrigin(
  exchange: Exchange,
  { settings }: LocationPlan,
): LocalResponse | null {
  const { origin } = exchange.fields;
  if (
    origin === null || isAllowed(origin, settings.websocket_origins, exchange)
  ) return null;
  return new LocalResponse(
    403,
    `Pages of the origin ${quote(origin)} may not open a WebSocket here.`,
    adviceFor(origin, exchange),
  );
}

/** What a request is for, as far as it is known. */
type Asked = Pick<Exchange, "authority" | "scheme">;

/** Whether a page of this origin may open a WebSocket. */
export function isAllowed(
  origin: string,
  { any, self, opaque, origins }: WebSocketOrigins,
  asked: Asked,
): boolean {
  if (any) return true;
  if (origin === "null") return opaque;
  const parsed = parseOrigin(origin);
  if (parsed === null) return false;
  if (self && isSelf(parsed, asked)) return true;
  return origins.some((allowed) =>
    allowed.scheme === parsed.scheme && allowed.port === parsed.port &&
    (allowed.subdomains
      ? parsed.host.endsWith(`.${allowed.host}`)
      : parsed.host === allowed.host)
  );
}

/**
 * Whether an origin is of the host and port that the request is for.
 *
 * Its scheme is compared only where this connection is known to be encrypted:
 * behind a proxy that ends TLS and is not in trusted_proxies, a page of https is
 * one of `http` here. Where the Host names no port, the client omitted its
 * scheme's default, which only the origin tells.
 */
function isSelf(origin: Origin, { authority, scheme }: Asked): boolean {
  if (origin.scheme !== "http" && origin.scheme !== "https") return false;
  if (scheme === "https" && origin.scheme !== "https") return false;
  const host = authority === null ? null : parseHost(authority);
  if (host === null || host.host !== origin.host) return false;
  const port = host.port || (origin.scheme === "https" ? "443" : "80");
  return Number(port) === Number(origin.port);
}

/** What is wrong, and exactly what to set. */
function adviceFor(origin: string, exchange: Exchange): string {
  const { authority, peerAddr, headers } = exchange;
  const host = authority ?? "no host";
  const told = headers.get("x-forwarded-host");
  const trusted = exchange.forwardedHost !== null;
  const meant = told === null ? null : parseOrigin(`https://${told.trim()}`);
  if (!trusted && meant !== null && meant.host === parseOrigin(origin)?.host) {
    const peer = peerAddr === "unix:" ? "unix" : peerAddr;
    return `a page of ${origin} asked for a WebSocket of ${host}: the proxy ` +
      `in front says that it is for ${told}, but is not believed (write ` +
      `trusted_proxies: ${quote(peer)})`;
  }
  return `a page of ${origin} asked for a WebSocket of ${host}, which is ` +
    "another origin (if it may, write websocket_origins: " +
    `[self, ${quote(origin)}])`;
}
