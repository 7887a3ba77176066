/**
 * nginx's `add_header`.
 *
 * @module
 */
import type { AddHeaderPlan } from "../../config/plan.ts";
import type { Exchange } from "../../exchange/exchange.ts";

/** The statuses for which fields are added that are not for all. */
const USUAL: ReadonlySet<number> = new Set([
  ...[200, 201, 204, 206],
  ...[301, 302, 303, 304, 307, 308],
]);

/** Adds the fields of a location to a response. */
export function addHeaders(
  { status, headers }: Response,
  exchange: Exchange,
  { fields }: AddHeaderPlan,
): void {
  const isUsual = USUAL.has(status);
  for (const { name, value, always, replaces } of fields) {
    if (!always && !isUsual) continue;
    const rendered = value(exchange);
    if (replaces) headers.delete(name);
    if (rendered !== "") headers.append(name, rendered);
  }
}
