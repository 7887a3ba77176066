/**
 * A request that has been admitted and matched, with everything decided that
 * will be sent upstream. The handler sends it; `explain` prints it.
 *
 * @module
 */
import type {
  LocationPlan,
  ProxyPlan,
  ServerPlan,
  UpstreamAddress,
} from "../../config/plan.ts";
import type { RequestContext } from "../../config/template.ts";

/** A location that proxies. */
export type ProxyLocation = LocationPlan & { readonly content: ProxyPlan };

export interface PreparedRequest {
  readonly server: ServerPlan;
  readonly location: ProxyLocation;
  /** The server of the upstream group that was picked; another where the request moves on. */
  address: UpstreamAddress;
  readonly context: RequestContext;
  /** `http` or `https`, as the client reached us. */
  readonly scheme: string;
  /** Host and port as the client wrote them, null where it named none. */
  readonly authority: string | null;
  /** Whether the client asks for a WebSocket (RFC 6455 section 4.1). */
  readonly websocket: boolean;
  /** The request target to send: path and query, percent-encoded, begins with `/`. */
  readonly target: string;
  /**
   * The headers to send, hop-by-hop ones dropped, names in lower case, `host`
   * among them, `accept-encoding` twice where `fetch` needs it. For a WebSocket without `sec-websocket-*`, `upgrade` and
   * `connection`, which the handshake adds.
   */
  headers: [name: string, value: string][];
  /** A `Set-Cookie` of the proxy's own, null for none. */
  setCookie: string | null;
}
