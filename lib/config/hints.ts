/**
 * Unknown directives: where they belong, or what to write in place of nginx's.
 *
 * @module
 */
import { didYouMean, quote } from "./words.ts";
import type { Place } from "./directives/directive.ts";
import { placesOf } from "./schema.ts";

const NOT_NEEDED = "not needed";
const TLS_FIXED = "not supported: TLS 1.2 and 1.3 with safe ciphers only";
const NO_CLIENT_CERTIFICATES = "certificates of clients are not supported";
const NO_CONDITIONS =
  "conditions are not supported: use locations and their rewrite";
const SAME_ORIGIN =
  "not supported: redirects have the origin that the client used";
const TLS_OF_PLATFORM =
  "not supported: the platform speaks TLS 1.2 and 1.3 with safe ciphers";
const NOT_BUFFERED = `${NOT_NEEDED}: the proxy has no such buffers`;
const ACCESS = 'write "access", a list: [{allow: 10.0.0.0/8}, {deny: all}]';

/** What to write in place of a directive that does not exist here. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ["location", `write "locations", a map of paths`],
  [
    "server",
    `write "servers", a list, or put its directives at the top level`,
  ],
  ["upstream", `write "upstreams", a map of names`],
  ["proxy_set_headers", `write "proxy_set_header", a map of headers`],
  ["proxy_http_version", `${NOT_NEEDED}: requests to upstreams use HTTP/1.1`],
  [
    "upgrade",
    `${NOT_NEEDED}: WebSockets are proxied without configuration`,
  ],
  [
    "connection",
    `${NOT_NEEDED}: WebSockets are proxied without configuration`,
  ],
  [
    "websocket",
    `${NOT_NEEDED}: WebSockets are proxied without configuration`,
  ],
  ["proxy_buffering", `${NOT_NEEDED}: bodies are always streamed`],
  ["proxy_request_buffering", `${NOT_NEEDED}: bodies are always streamed`],
  ["http", "put its content at the top level"],
  ["events", NOT_NEEDED],
  ["worker_processes", `write "workers"`],
  ["worker_connections", NOT_NEEDED],
  [
    "include",
    "including files is not supported: one file holds the whole config",
  ],
  ["ssl", `write "listen: 443 ssl", or listen: {address: 443, ssl: true}`],
  ["http2", `${NOT_NEEDED}: HTTP/2 is offered wherever there is TLS`],
  ["ssl_protocols", TLS_FIXED],
  ["ssl_ciphers", TLS_FIXED],
  ["ssl_prefer_server_ciphers", TLS_FIXED],
  ["ssl_ecdh_curve", TLS_FIXED],
  ["ssl_dhparam", TLS_FIXED],
  ["ssl_session_cache", NOT_NEEDED],
  ["ssl_session_timeout", NOT_NEEDED],
  ["ssl_session_tickets", NOT_NEEDED],
  ["ssl_password_file", "a key must not be encrypted"],
  ["ssl_stapling", "OCSP stapling is not supported"],
  ["ssl_client_certificate", NO_CLIENT_CERTIFICATES],
  ["ssl_verify_client", NO_CLIENT_CERTIFICATES],
  ["proxy_ssl_protocols", TLS_OF_PLATFORM],
  ["proxy_ssl_ciphers", TLS_OF_PLATFORM],
  ["proxy_ssl_conf_command", TLS_OF_PLATFORM],
  ["proxy_ssl_session_reuse", NOT_NEEDED],
  ["proxy_ssl_verify_depth", TLS_OF_PLATFORM],
  ["proxy_ssl_crl", "not supported: revocation is not looked up"],
  ["proxy_ssl_password_file", "a key must not be encrypted"],
  ["if", NO_CONDITIONS],
  ["set", NO_CONDITIONS],
  ["break", `write it behind a rewrite: "^/a$ /b break"`],
  ["rewrite_log", `${NOT_NEEDED}: "sameorigin explain" shows it`],
  ["absolute_redirect", SAME_ORIGIN],
  ["port_in_redirect", SAME_ORIGIN],
  ["server_name_in_redirect", SAME_ORIGIN],
  ["recursive_error_pages", "not supported: an error page has none itself"],
  ["add_trailer", "not supported: the platform sends no trailers"],
  ["add_header_inherit", "not supported: write all headers where one is added"],
  ["server_tokens", `${NOT_NEEDED}: the proxy does not name itself`],
  ["sub_filter", "changing bodies is not supported"],
  ["gunzip", "not supported: compressed bodies pass as they are"],
  ["gzip_buffers", NOT_BUFFERED],
  ["gzip_disable", `${NOT_NEEDED}: it was for browsers before 2009`],
  [
    "gzip_http_version",
    "not supported: the platform does not tell a request's version",
  ],
  ["brotli_buffers", NOT_BUFFERED],
  ["brotli_window", NOT_BUFFERED],
  ["sendfile", NOT_NEEDED],
  ["tcp_nopush", NOT_NEEDED],
  ["aio", NOT_NEEDED],
  ["directio", NOT_NEEDED],
  ["open_file_cache", NOT_NEEDED],
  ["mime.types", `${NOT_NEEDED}: the usual types are known, "types" adds some`],
  ["allow", ACCESS],
  ["deny", ACCESS],
  ["limit_conn_zone", `${NOT_NEEDED}: write limit_conn: {per_address: 10}`],
  ["limit_req_log_level", NOT_NEEDED],
  [
    "auth_delay",
    "not supported: limit the tries with limit_req",
  ],
  [
    "proxy_pass_request_body",
    `${NOT_NEEDED}: what auth_request asks has no body`,
  ],
  [
    "client_header_timeout",
    "not supported: the platform tells nothing of a request before its head " +
    "is whole",
  ],
]);

const PLACES: Readonly<Record<Place, string>> = {
  top: "at the top",
  server: "in a server",
  location: "in a location",
  upstream: "in an upstream",
  upstream_server: "in a server of an upstream",
  health_check: "in a health_check",
  admin: "in an admin",
};

/** In words, that a key is unknown, and what it likely means. */
export function unknownKey(key: string, known: readonly string[]): string {
  const hint = HINTS.get(key.toLowerCase());
  if (hint !== undefined) return `unknown directive (${hint})`;
  const places = placesOf(key).map((place) => PLACES[place]);
  if (places.length > 0) {
    return `not allowed here (it belongs ${inWords(places)})`;
  }
  if (/^(\/|[=~^])/.test(key)) {
    return known.includes("locations")
      ? `unknown directive (did you mean it as a key of "locations"?)`
      : `unknown directive (locations are not nested)`;
  }
  if (/^[A-Z][\w-]*$/.test(key) && known.includes("proxy_set_header")) {
    return `unknown directive (a header belongs in "proxy_set_header")`;
  }
  const [, word, value] = /^(\w+)\s+(.+?);?$/.exec(key) ?? [];
  if (word !== undefined && value !== undefined && known.includes(word)) {
    return `unknown directive (did you mean ${word}: ${quote(value)}?)`;
  }
  return `unknown directive${didYouMean(key, known)}`;
}

/** `a`, `a or b`, `a, b or c`. */
function inWords(alternatives: readonly string[]): string {
  const last = alternatives.at(-1) ?? "";
  const others = alternatives.slice(0, -1);
  return others.length === 0 ? last : `${others.join(", ")} or ${last}`;
}
