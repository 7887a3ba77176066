/**
 * Which transport goes to which server.
 *
 * @module
 */
import type { UpstreamAddress, UpstreamPlan } from "../config/plan.ts";
import type { Deadlines } from "../exchange/deadline.ts";
import type { Histogram } from "../observe/metrics/histogram.ts";
import type { Field } from "../exchange/fields.ts";
import { FetchTransport } from "./fetch.ts";
import { fetchFields } from "./fetch_request.ts";
import { Http1Transport } from "./http1/http1.ts";
import type { Transport, UpstreamRequest } from "./transport.ts";

/** Whether requests to an upstream go over `fetch`; else over connections of our own. */
function usesFetch(
  { scheme, client, tls }: UpstreamPlan,
  { transport }: UpstreamAddress,
): boolean {
  // To a unix socket `fetch` speaks plain HTTP, whatever the scheme says (Deno
  // 2.9.6); nor can it ask for another name than it connects to.
  return scheme === "https"
    ? tls === null && transport === "tcp"
    : client === "fetch";
}

/**
 * The way to a server of an upstream.
 *
 * @param connects Counts how long connecting takes, where that is known; null
 * for nowhere.
 */
export function createTransport(
  upstream: UpstreamPlan,
  address: UpstreamAddress,
  deadlines: Deadlines,
  connects: Histogram | null = null,
): Transport {
  const { scheme, tls } = upstream;
  const keepAlive = {
    keepalive: upstream.keepalive,
    keepalive_timeout: upstream.keepaliveTimeout,
    keepalive_requests: upstream.keepaliveRequests,
    keepalive_time: upstream.keepaliveTime,
  };
  return usesFetch(upstream, address)
    ? new FetchTransport(scheme, address, keepAlive, deadlines, connects)
    : new Http1Transport(
      address,
      scheme === "https",
      keepAlive,
      deadlines,
      connects,
      tls,
    );
}

/** The fields as they go over the wire, but for those of the connection. */
export function wireFields(
  upstream: UpstreamPlan,
  address: UpstreamAddress,
  { method, fields }: Pick<UpstreamRequest, "method" | "fields">,
  hasBody: boolean,
): readonly Field[] {
  const isFetch = usesFetch(upstream, address);
  const sent = isFetch ? fetchFields(fields) : fields;
  if (sent.some(([name]) => name === "content-length")) return sent;
  if (hasBody) return [...sent, ["transfer-encoding", "chunked"]];
  // Fetch standard, "HTTP-network-or-cache fetch".
  const saysNone = isFetch && (method === "POST" || method === "PUT");
  return saysNone ? [["content-length", "0"], ...sent] : sent;
}
