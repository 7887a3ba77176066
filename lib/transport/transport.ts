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
  /** Path and query, a byte string; begins with `/`. */
  readonly target: string;
  /** End-to-end fields, `host` among them, and `te: trailers`. */
  readonly fields: readonly Field[];
  /** Null for a request without one. */
  readonly body: RequestBody | null;
  /** The protocol that is asked for in `Upgrade`; null for none. */
  readonly upgrade: string | null;
  readonly timeouts: Timeouts;
  /** Cancelled when the client has left or the exchange's time is over. */
  readonly cancellation: Cancellation;
}

/** A body that broke off after its response's head: the client's is broken off too. */
export class BodyBroken extends Error {
  override readonly name = "BodyBroken";
}

/** The body of a response, without transfer coding. */
export interface ResponseBody {
  /** All of it, where it came together with the head. */
  readonly whole: Uint8Array<ArrayBuffer> | null;
  /**
   * As it comes; null where it is there as a whole. A piece is of no use any more
   * once the next one is asked for: its memory may be freed.
   */
  readonly stream: ReadableStream<Uint8Array> | null;
  /** Bytes that have been handed on so far. */
  readonly size: number;
  /** Why it broke off; null as long as it did not. */
  readonly failure: Error | null;
  /** Ends it where nobody wants it. */
  discard(): void;
}

/** A connection that speaks another protocol from now on (RFC 9110 section 7.8). */
export interface Upgraded {
  readonly conn: Deno.Conn;
  /** Bytes that came behind the head. */
  readonly ahead: Uint8Array<ArrayBuffer>;
}

/** A response, its head whole. */
export interface UpstreamResponse {
  /** 200 to 599; 101 where an upgrade was asked for. */
  readonly status: number;
  readonly statusText: string;
  /** The end-to-end ones, in their order and number, names in lower case. */
  readonly fields: readonly Field[];
  /** Null for none. */
  readonly body: ResponseBody | null;
  /** Of a 101: whose connection it is now. */
  readonly upgraded: Upgraded | null;
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
  /** Connections that are kept for the next request; null where nobody knows. */
  readonly idle: number | null;
  /** Closes idle connections. What is in flight ends as it would. */
  close(): void;
}
