/**
 * The header fields that go upstream.
 *
 * @module
 */
import type { ProxyPlan } from "../../config/plan.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import type { Field } from "../../exchange/fields.ts";
import { hasToken, namedInConnection } from "../../exchange/headers.ts";

// The same for all requests; a literal would be a new array for each.
const TRAILERS: Field = ["te", "trailers"];

/**
 * The fields to send: the client's end-to-end ones, and those that the location
 * sets in place of the client's of the same name. For a WebSocket without
 * `sec-websocket-*`, which the handshake adds.
 */
export function upstreamFields(exchange: Exchange, plan: ProxyPlan): Field[] {
  const { websocket, hasBody } = exchange;
  const { connection, onward, te } = exchange.fields;
  const named = namedInConnection(connection);
  const own = plan.setHeaderNames;
  const sent: Field[] = [];
  for (const { name, value } of plan.setHeaders) {
    const rendered = value(exchange);
    if (rendered !== "") sent.push([name, rendered]);
    else if (name === "host") sent.push([name, exchange.proxyHost]);
  }
  // nginx's default where proxy_set_header says nothing of it.
  if (!own.has("host")) sent.push(["host", exchange.proxyHost]);
  if (!own.has("x-request-id")) sent.push(["x-request-id", exchange.requestId]);
  for (const field of onward) {
    const name = field[0];
    if (
      own.has(name) || named?.has(name) ||
      (websocket && name.startsWith("sec-websocket-")) ||
      (name === "content-length" && hasBody !== true && field[1] !== "0")
    ) continue;
    sent.push(field);
  }
  if (!websocket && te !== null && hasToken(te, "trailers")) {
    sent.push(TRAILERS);
  }
  return sent;
}
