/**
 * Route: the server by host, the location by path.
 *
 * @module
 */
import type { ListenerPlan, LocationPlan } from "../config/plan.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { LocalResponse, tooLarge } from "../exchange/local_response.ts";
import { utf8Bytes } from "../route/bytes.ts";
import { findLocation } from "../route/location.ts";
import { findServer } from "../route/server.ts";
import { escapePath } from "../route/target.ts";

/**
 * The location that takes an admitted request; a local response where none does.
 *
 * @param internally Whether an internal redirect has led here.
 */
export function route(
  exchange: Exchange,
  listener: ListenerPlan,
  internally = false,
): LocationPlan | LocalResponse {
  const { hostname, path, bodyLength } = exchange;
  const server = findServer(listener.servers, hostname);
  exchange.server = server;
  exchange.serverName = server.name;
  exchange.host = hostname ?? server.name;
  const match = findLocation(server.locations, path);
  if (match === null) {
    return new LocalResponse(
      404,
      "No location takes this path.",
      `no location of config.yaml takes ${path}: add one, for example "/"`,
    );
  }
  const { location } = match;
  exchange.location = location;
  if (location.internal && !internally) {
    return new LocalResponse(
      404,
      "No location takes this path.",
      `${location.key} is internal: only the proxy itself may lead there`,
    );
  }
  if (match.kind === "redirect") return withSlash(location, exchange);
  const { client_max_body_size: limit } = location.settings;
  if (limit !== 0 && bodyLength !== null && bodyLength > limit) {
    return new LocalResponse(413, tooLarge(limit));
  }
  return location;
}

/** nginx's redirect to the final slash of a location with a `proxy_pass`. */
function withSlash(location: LocationPlan, exchange: Exchange): LocalResponse {
  const { authority, scheme, args } = exchange;
  const origin = authority === null ? "" : `${scheme}://${authority}`;
  // Deno gives raw UTF-8 in a target as characters; a header takes bytes.
  const query = args === "" ? "" : utf8Bytes(`?${args}`);
  return new LocalResponse(301, "The location ends with a slash.", null, [
    ["location", origin + escapePath(location.prefix) + query],
  ]);
}
