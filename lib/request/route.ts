/**
 * Route: the server by host, the location by path; and between the two, and
 * behind them, what their `rewrite` says.
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
import { rewrite } from "./rewrite.ts";

/** What is found: a location, or the answer where none is needed or there is none. */
export type Routed = LocationPlan | LocalResponse;

/** Finds the server that an admitted request is for, and what is to answer it. */
export function route(exchange: Exchange, listener: ListenerPlan): Routed {
  chooseServer(exchange, listener);
  return enterServer(exchange);
}

/** The server by the host; for a request that names none, the first. */
export function chooseServer(exchange: Exchange, listener: ListenerPlan): void {
  const { hostname } = exchange;
  const server = findServer(listener.servers, hostname);
  exchange.server = server;
  exchange.serverName = server.name;
  exchange.host = hostname ?? server.name;
}

/** Where a request begins in its server, and an internal redirect again. */
export function enterServer(exchange: Exchange): Routed {
  const { rewrite: plan } = exchange.server;
  if (plan === null) return locate(exchange);
  const rewritten = rewrite(exchange, plan.rules);
  if (rewritten instanceof LocalResponse) return rewritten;
  if (plan.answer === null) return locate(exchange);
  return exchange.location = plan.answer;
}

/** The location that takes a request, perhaps after it was rewritten by others. */
function locate(exchange: Exchange): Routed {
  while (true) {
    const location = locationOf(exchange);
    if (location instanceof LocalResponse || location.rewrite === null) {
      return location;
    }
    const rewritten = rewrite(exchange, location.rewrite);
    if (rewritten instanceof LocalResponse) return rewritten;
    if (!rewritten) return location;
    if (exchange.rerouting?.change() === "cycle") {
      return new LocalResponse(
        500,
        "The config rewrites this path again and again.",
        `rewrite of ${location.key} leads from location to location, more than ` +
          "10 times",
      );
    }
  }
}

function locationOf(exchange: Exchange): Routed {
  const { path, bodyLength, server } = exchange;
  const match = findLocation(server.locations, path);
  if (match === null) {
    // What is found for another path does not hold for this one.
    exchange.location = null;
    return new LocalResponse(
      404,
      "No location takes this path.",
      `no location of config.yaml takes ${path}: add one, for example "/"`,
    );
  }
  const { location } = match;
  exchange.location = location;
  if (location.internal && exchange.rerouting?.isInternal !== true) {
    return new LocalResponse(
      404,
      "No location takes this path.",
      `${location.key} is internal: only the proxy itself, or auth_request, may lead there`,
    );
  }
  if (match.kind === "redirect") return withSlash(location, exchange);
  const { client_max_body_size: limit } = location.settings;
  if (limit !== 0 && bodyLength !== null && bodyLength > limit) {
    return tooLarge(location, bodyLength);
  }
  if (location.captures !== null) {
    exchange.captures = location.captures.exec(path);
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
