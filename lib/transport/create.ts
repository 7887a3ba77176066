/**
 * Which transport goes to which server.
 *
 * @module
 */
import type { UpstreamAddress, UpstreamPlan } from "../config/plan.ts";
import type { Deadlines } from "../exchange/deadline.ts";
import type { Field } from "../exchange/fields.ts";
import { fetchFields, FetchTransport } from "./fetch.ts";
import type { Transport, UpstreamRequest } from "./transport.ts";

/** The way to a server of an upstream. */
export function createTransport(
  { scheme, keepalive }: UpstreamPlan,
  address: UpstreamAddress,
  deadlines: Deadlines,
): Transport {
  return new FetchTransport(scheme, address, keepalive, deadlines);
}

/** The fields as they go over the wire, but for those of the connection. */
export function wireFields(
  _upstream: UpstreamPlan,
  { method, fields }: Pick<UpstreamRequest, "method" | "fields">,
  hasBody: boolean,
): readonly Field[] {
  const sent = fetchFields(fields);
  // Fetch standard, "HTTP-network-or-cache fetch".
  if (sent.some(([name]) => name === "content-length")) return sent;
  if (hasBody) return [...sent, ["transfer-encoding", "chunked"]];
  const saysNone = method === "POST" || method === "PUT";
  return saysNone ? [["content-length", "0"], ...sent] : sent;
}
