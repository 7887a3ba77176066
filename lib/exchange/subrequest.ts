/**
 * A request that the proxy makes itself to find out about a client's (nginx's
 * ngx_http_subrequest).
 *
 * @module
 */
import type { Target } from "../route/path.ts";
import { Exchange } from "./exchange.ts";

/**
 * A GET without a body, with the client's fields and all that is known of the
 * client. As in nginx, `$request_uri` and `$request_method` stay the client's.
 */
export function subrequestOf(main: Exchange, target: Target): Exchange {
  const headers = new Headers(main.headers);
  headers.delete("content-length");
  headers.delete("transfer-encoding");
  headers.set("x-request-id", main.requestId);
  const { url, place, peerAddr, remotePort } = main;
  const sub = new Exchange(
    { method: "GET", url, headers },
    place,
    peerAddr,
    remotePort,
    performance.now(),
  );
  sub.requestMethod = main.requestMethod;
  sub.requestUri = main.requestUri;
  sub.remoteAddr = main.remoteAddr;
  sub.scheme = main.scheme;
  sub.authority = main.authority;
  sub.httpHost = main.httpHost;
  sub.forwardedHost = main.forwardedHost;
  sub.hostname = main.hostname;
  sub.server = main.server;
  sub.serverName = main.serverName;
  sub.host = main.host;
  sub.variables = main.variables;
  sub.target = target;
  return sub;
}
