/**
 * Opening a WebSocket to an upstream in the time that its location allows.
 *
 * @module
 */
import type { UpstreamAddress } from "../config/plan.ts";
import type { Deadlines } from "../exchange/deadline.ts";
import { UpstreamError, type UpstreamFailure } from "../transport/errors.ts";
import type {
  UpstreamRequest,
  UpstreamResponse,
} from "../transport/transport.ts";
import { openUpstream, type UpgradedResponse } from "./client.ts";
import type { WebSocketSupplies } from "./upstream_socket.ts";

/** What a WebSocket has beside other requests. */
export interface WebSocketTarget {
  readonly address: UpstreamAddress;
  /** Whether to speak TLS. */
  readonly secure: boolean;
  /** The sub-protocols as the client offers them, null for none. */
  readonly protocols: string | null;
  /** Bytes of the longest message taken from the upstream; 0 is as many as can be. */
  readonly maxMessageSize: number;
}

/** What openings share. */
export interface OpenParts {
  readonly bridges: WebSocketSupplies;
  readonly deadlines: Deadlines;
}

/**
 * Sends a handshake.
 *
 * @returns The open WebSocket, or the upstream's own answer if it refuses.
 * @throws {UpstreamError} if the upstream gives no answer, or not to this.
 * @throws The cancellation's reason.
 */
export async function openWebSocket(
  { target, fields, timeouts, cancellation }: UpstreamRequest,
  { address, secure, protocols, maxMessageSize }: WebSocketTarget,
  { bridges, deadlines }: OpenParts,
): Promise<UpstreamResponse | UpgradedResponse> {
  const abort = new AbortController();
  cancellation.listen({ cancelled: (reason) => abort.abort(reason) });
  const late = (failure: UpstreamFailure) => () =>
    abort.abort(new UpstreamError(failure, address.name));
  let deadline = deadlines.start(timeouts.connect, late("unconnected"));
  const connected = () => {
    deadlines.stop(deadline);
    deadline = deadlines.start(timeouts.head, late("timeout"));
  };
  const handshake = {
    address,
    secure,
    target,
    headers: fields,
    protocols,
    maxMessageSize,
  };
  try {
    return await openUpstream(handshake, bridges, abort.signal, connected);
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    deadlines.stop(deadline);
    cancellation.listen(null);
  }
}
