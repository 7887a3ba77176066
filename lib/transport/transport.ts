/**
 * The seam to the network: how a request is sent to one server of an upstream.
 * What is behind it (an HTTP client, its connections and its quirks) concerns
 * nobody else.
 *
 * @module
 */
import type { Cancellation } from "../exchange/cancellation.ts";
import type { Field } from "../exchange/fields.ts";
import type { RequestBody } from "./request_body.ts";

/** How long the parts of an exchange may take, in milliseconds. */
export interface Timeouts {
  /** Until there is a connection. */
  readonly connect: number;
  /** From the end of the request to the end of the response's head. */
  readonly head: number;
  /** Between two pieces of the response's body; 0 is no limit. */
  readonly body: number;
}

/** A request as a server is to get it. */
export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, percent-encoded; begins with `/`. */
  readonly target: string;
  /** End-to-end fields, `host` among them, and `te: trailers`. */
  readonly fields: readonly Field[];
  /** Null for a request without one. */
  readonly body: RequestBody | null;
  readonly timeouts: Timeouts;
  /** Cancelled when the client has left or the exchange's time is over. */
  readonly cancellation: Cancellation;
}

/** A response, its head whole. */
export interface UpstreamResponse {
  /** 200 to 599. */
  readonly status: number;
  readonly statusText: string;
  /** As they came, the hop-by-hop ones included, names in lower case. */
  readonly fields: readonly Field[];
  /** As it comes, without transfer coding; null for none. */
  readonly body: ReadableStream<Uint8Array> | null;
}

/** The way to one server. */
export interface Transport {
  /**
   * Sends a request and gives the response as soon as its head is there.
   *
   * @param now The time, by `performance.now()`.
   * @throws {UpstreamError} where the server gave no answer.
   * @throws {ClientError} where the client's body is at fault.
   * @throws The cancellation's reason.
   */
  send(request: UpstreamRequest, now: number): Promise<UpstreamResponse>;
  /** Closes idle connections. What is in flight ends as it would. */
  close(): void;
}
