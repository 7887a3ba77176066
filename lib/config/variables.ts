/**
 * The variables of a request, by nginx's names
 * (https://nginx.org/en/docs/varindex.html).
 *
 * A header is rendered from them, so none may bring a line break along. Header
 * values can't hold one (the platform's `Headers` refuses it); whatever comes
 * from the request's target is made safe here.
 *
 * @module
 */
import { utf8Bytes } from "../route/bytes.ts";
import type { Captures } from "../route/regex.ts";
import { replaceControls } from "./plain_text.ts";

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
  /** The request's headers. In Deno they can't be read once the request has ended. */
  readonly headers: Headers;
  /** `Referer` and `User-Agent`, null where missing: read at once, for the log. */
  readonly referer: string | null;
  readonly userAgent: string | null;
  /** `X-Forwarded-For` as it came, null where missing. */
  readonly forwardedFor: string | null;
  /** Host and port that the client asked for, `""` for none: nginx's `$http_host`. */
  readonly httpHost: string;
  /** Lower case, without port; the server's name where the request has no host: nginx's `$host`. */
  readonly host: string;
  /** `http` or `https`. */
  readonly scheme: string;
  /** The client's address; `unix:` for a unix socket. */
  readonly remoteAddr: string;
  /** The client's port, `""` for a unix socket. */
  readonly remotePort: string;
  /** The peer of the connection: the client, or a proxy before this one. */
  readonly peerAddr: string;
  /** Host and port that the client asked a trusted proxy for; null for none. */
  readonly forwardedHost: string | null;
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
  /** What the groups of the last regular expression took: `$1` to `$9`; null for nothing. */
  readonly captures: Captures | null;
  /** The method that the client sent, for a subrequest too: nginx's `$request_method`. */
  readonly requestMethod: string;
  /** The user name of `Authorization: Basic`, verified or not; `""` for none. */
  readonly remoteUser: string;
  /** The upstream's response; null as long as there is none. */
  readonly upstreamResponse: UpstreamFacts | null;
  /** The variables that the config itself defines (`auth_request_set`); null for none. */
  readonly variables: ReadonlyMap<string, string> | null;
}

/** What variables tell of an upstream's response. */
export interface UpstreamFacts {
  readonly status: number;
  /** Names in lower case, values byte strings. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** A compiled value: renders to the string for one request. */
export type Template = (request: RequestContext) => string;

const VARIABLES: ReadonlyMap<string, Template> = new Map<string, Template>([
  ["args", (r) => target(r.args)],
  // nginx's has the address's bytes, to save memory as a key.
  ["binary_remote_addr", (r) => r.remoteAddr],
  ["content_length", (r) => r.headers.get("content-length") ?? ""],
  ["content_type", (r) => r.headers.get("content-type") ?? ""],
  ["document_uri", (r) => withoutControls(r.path)],
  [
    "forwarded_host",
    (r) => r.forwardedHost ?? r.httpHost,
  ],
  ["host", (r) => r.host],
  ["http_host", (r) => r.httpHost],
  ["https", (r) => r.scheme === "https" ? "on" : ""],
  ["is_args", (r) => r.args === "" ? "" : "?"],
  ["msec", () => (Date.now() / 1000).toFixed(3)],
  ["proxy_add_x_forwarded_for", forwardedFor],
  ["proxy_host", (r) => r.proxyHost],
  ["query_string", (r) => target(r.args)],
  ["realip_remote_addr", (r) => r.peerAddr],
  ["remote_addr", (r) => r.remoteAddr],
  ["remote_port", (r) => r.remotePort],
  ["remote_user", (r) => withoutControls(r.remoteUser)],
  ["request_id", (r) => r.requestId],
  ["request_method", (r) => r.requestMethod],
  ["request_uri", (r) => target(r.requestUri)],
  ["scheme", (r) => r.scheme],
  ["server_name", (r) => r.serverName],
  ["server_port", (r) => r.serverPort],
  ["time_iso8601", () => new Date().toISOString().slice(0, 19) + "+00:00"],
  ["upstream_addr", (r) => target(r.upstreamAddr)],
  ["upstream_status", (r) => String(r.upstreamResponse?.status ?? "")],
  ["uri", (r) => withoutControls(r.path)],
]);

/** The names, for messages; the last five stand for families. */
export const VARIABLE_NAMES: readonly string[] = [
  ...VARIABLES.keys(),
  "arg_NAME",
  "cookie_NAME",
  "http_NAME",
  "upstream_cookie_NAME",
  "upstream_http_NAME",
];

/** A variable that the config defines; empty as long as nothing has set it. */
export function definedVariable(name: string): Template {
  return (r) => r.variables?.get(name) ?? "";
}

/** The variable of that name, in lower case and without its dollar; undefined if there is none. */
export function findVariable(name: string): Template | undefined {
  const variable = VARIABLES.get(name);
  if (variable !== undefined) return variable;
  const [, family, member = ""] =
    /^(arg|cookie|http|upstream_cookie|upstream_http)_(\w+)$/.exec(name) ?? [];
  switch (family) {
    case "arg": {
      // The first of that name, raw; case does not matter (ngx_http_arg).
      const pair = new RegExp(`(?:^|&)${member}=([^&]*)`, "i");
      return (r) => target(pair.exec(r.args)?.[1] ?? "");
    }
    case "cookie": {
      // As above; a comma may stand before a cookie too, but does not end one
      // (ngx_http_parse_multi_header_lines).
      const pair = new RegExp(`(?:^|[;,]) *${member} *= *([^;]*)`, "i");
      return (r) => pair.exec(r.headers.get("cookie") ?? "")?.[1] ?? "";
    }
    case "http": {
      const header = member.replaceAll("_", "-");
      return (r) => r.headers.get(header) ?? "";
    }
    case "upstream_http": {
      const header = member.replaceAll("_", "-");
      return (r) => upstreamField(r, header);
    }
    case "upstream_cookie":
      return (r) => upstreamCookie(r, member);
    default:
      return undefined;
  }
}

/**
 * The `X-Forwarded-For` that came, and who sent it: with trusted proxies in
 * front the nearest of these, as each hop adds the one before it.
 */
function forwardedFor(request: RequestContext): string {
  const { forwardedFor, peerAddr } = request;
  return forwardedFor === null ? peerAddr : `${forwardedFor}, ${peerAddr}`;
}

/**
 * A field of the upstream's response, several joined as RFC 9110 section 5.3
 * says. Of `Set-Cookie`, which can't be joined, the first.
 */
function upstreamField(
  { upstreamResponse }: RequestContext,
  name: string,
): string {
  let joined: string | null = null;
  for (const [each, value] of upstreamResponse?.fields ?? []) {
    if (each !== name) continue;
    if (joined === null) joined = value;
    else if (name !== "set-cookie") joined += `, ${value}`;
  }
  return joined ?? "";
}

/**
 * The value of the first cookie of that name that the upstream sets.
 *
 * @param name In lower case: nginx compares without regard to case.
 */
function upstreamCookie(
  { upstreamResponse }: RequestContext,
  name: string,
): string {
  for (const [each, value] of upstreamResponse?.fields ?? []) {
    if (each !== "set-cookie") continue;
    const [, its = "", content = ""] = /^([^=;]*)=([^;]*)/.exec(value) ?? [];
    if (its.trim().toLowerCase() === name) return content.trim();
  }
  return "";
}

/**
 * A text of the request line as bytes: Deno hands a target with raw UTF-8 in it
 * over as text, and a header takes only bytes.
 */
function target(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : withoutControls(utf8Bytes(text));
}

/**
 * The decoded path with its control characters escaped again: `%0D%0A` in a
 * request must never end a header's line. (nginx sends them on.)
 */
function withoutControls(text: string): string {
  return replaceControls(text, encodeURIComponent);
}
