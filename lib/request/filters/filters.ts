/**
 * What is done to a response before it is sent, in nginx's order.
 *
 * @module
 */
import type { FilterPlan } from "../../config/plan.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { addHeaders } from "./add_header.ts";
import { compress } from "./compress.ts";

/**
 * Runs the filters of a location.
 *
 * @returns The response, the same one or another in its place.
 */
export function filter(
  response: Response,
  exchange: Exchange,
  filters: readonly FilterPlan[],
): Response | Promise<Response> {
  for (const plan of filters) {
    switch (plan.kind) {
      case "add_header":
        addHeaders(response, exchange, plan);
        break;
      case "compress":
        // The last one, as in nginx: it must see what the others have made.
        return compress(response, exchange, plan);
    }
  }
  return response;
}
