/**
 * Values with variables in them (`"$host:$server_port"`), compiled once when the
 * config is read and rendered for each request.
 *
 * @module
 */

/**
 * What a request tells the variables. Made once per request by the handler;
 * everything costly is a getter or computed by the variable that needs it.
 */
export interface RequestContext {
  readonly method: string;
  /** The raw request target as the client sent it, query included: nginx's `$request_uri`. */
  readonly requestUri: string;
  /** The normalised, percent-decoded path: nginx's `$uri`. */
  readonly path: string;
  /** The query without its `?`, `""` if none: nginx's `$args`. */
  readonly args: string;
  /** The request's headers. */
  readonly headers: Headers;
  /** Lower case, without port; the server's name where the request has no host: nginx's `$host`. */
  readonly host: string;
  /** `http` or `https`. */
  readonly scheme: string;
  /** The client's address; `unix:` for a unix socket. */
  readonly remoteAddr: string;
  /** The client's port, `""` for a unix socket. */
  readonly remotePort: string;
  /** First `server_name` of the server that took the request. */
  readonly serverName: string;
  /** The port of the listener, `""` for a unix socket. */
  readonly serverPort: string;
  /** The id of this request, ours or the client's. */
  readonly requestId: string;
  /** `$proxy_host`: name (and port, where not the scheme's default) of the `proxy_pass`. */
  readonly proxyHost: string;
  /** `$upstream_addr`: `host:port` of the server that was picked. */
  readonly upstreamAddr: string;
}

/** A compiled value: renders to the string for one request. */
export type Template = (request: RequestContext) => string;
