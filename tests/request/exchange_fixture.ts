/**
 * Requests made by hand, as `Deno.serve` would hand them over.
 *
 * @module
 */
import type { LocationPlan } from "../../lib/config/plan.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { Exchange } from "../../lib/exchange/exchange.ts";
import type { Field } from "../../lib/exchange/fields.ts";
import { LocalResponse } from "../../lib/exchange/local_response.ts";
import { admit } from "../../lib/request/admit.ts";
import { route } from "../../lib/request/route.ts";

/** What a made-up request says; `host` is `x` unless given. */
export interface Asked {
  method?: string;
  target?: string;
  headers?: Field[];
  remoteAddr?: string;
}

/** The exchange of a request that has just come. */
export function exchangeOf(
  { method = "GET", target = "/", headers = [], remoteAddr = "192.0.2.1" }:
    Asked,
): Exchange {
  const all = new Headers([["host", "x"]]);
  for (const [name, value] of headers) {
    if (name === "host") all.set(name, value);
    else all.append(name, value);
  }
  return new Exchange(
    { method, url: `http://${all.get("host")}${target}`, headers: all },
    {
      urlScheme: "http://",
      scheme: "http",
      fallbackHost: "localhost:1",
      serverPort: "1",
    },
    remoteAddr,
    "50000",
    0,
  );
}

/** Runs the phases before the access phase. */
export function located(
  config: Record<string, unknown>,
  asked: Asked,
): { exchange: Exchange; result: LocationPlan | LocalResponse } {
  const { listeners } = planFromObject(config, {
    source: "test",
    env: () => undefined,
  });
  const exchange = exchangeOf(asked);
  const listener = listeners[0]!;
  const result = admit(exchange, listener) ?? route(exchange, listener);
  return { exchange, result };
}

/** `404 /api`-like: the status of an own answer, or the key of the location. */
export function outcome(
  config: Record<string, unknown>,
  asked: Asked,
): number | string {
  const { result } = located(config, asked);
  return result instanceof LocalResponse ? result.status : result.key;
}
