/**
 * The host and the target of a request, taken from the URL that `Deno.serve`
 * provides.
 *
 * @module
 */
import { parseAddress } from "./address.ts";
import { hexValue } from "./bytes.ts";

/** The parts of a request's URL. */
export interface SplitUrl {
  /** Host and port as requested, unchecked; null if the request has none. */
  readonly authority: string | null;
  /** The request target in origin form; begins with `/`. */
  readonly target: string;
}

/**
 * Splits `request.url`.
 *
 * Deno 2.9.6 concatenates it from the scheme, the `Host` header and the request
 * target without normalising anything, so a slash in `Host` looks like the start
 * of the path. The target is therefore taken from behind the header's own length.
 *
 * An absolute-form target (`GET http://other/x`) replaces all three and takes
 * precedence over `Host` (RFC 9112 section 3.2.2). A malformed `Host` beside it is
 * refused nevertheless, as in nginx (RFC 9112 section 3.2), also because Deno uses
 * `fallbackHost` where it can't read the header.
 *
 * @param scheme The start of the URLs of this listener: `http://` or
 * `http+unix://`.
 * @param hostHeader The `Host` header, null if there is none.
 * @param fallbackHost What Deno uses in the URL of a request without a host:
 * `localhost:9000`, for a unix socket its escaped path.
 * @returns Null for another scheme, and for a target `*`. An invalid `authority`
 * is returned as it came; `parseHost` refuses it.
 */
export function splitUrl(
  url: string,
  scheme: string,
  hostHeader: string | null,
  fallbackHost: string,
): SplitUrl | null {
  if (hostHeader !== null && hostHeader !== "" && url.startsWith(scheme)) {
    const end = scheme.length + hostHeader.length;
    if (
      url.charCodeAt(end) === SLASH && url.startsWith(hostHeader, scheme.length)
    ) return { authority: hostHeader, target: url.slice(end) };
  }
  const start = schemeEnd(url, scheme);
  if (start === -1) return null;
  const end = authorityEnd(url, start);
  let target = url.slice(end);
  const authority = url.slice(start, end);
  if (target === "" && authority.endsWith("*")) {
    // `GET *`: Deno appends the asterisk to the host.
    return null;
  }
  if (target.charCodeAt(0) !== SLASH) target = "/" + target;
  if (hostHeader === null) {
    return { authority: authority === fallbackHost ? null : authority, target };
  }
  const refused = parseHost(hostHeader) === null;
  return { authority: refused ? hostHeader : authority, target };
}

/** The end of `://` after a known scheme in any case (RFC 3986 section 3.1); -1 for another scheme. */
function schemeEnd(url: string, scheme: string): number {
  if (url.startsWith(scheme)) return scheme.length;
  for (const known of ["http://", "https://"]) {
    if (url.slice(0, known.length).toLowerCase() === known) return known.length;
  }
  return -1;
}

/** The end of an authority: the first `/`, `?` or `#` (RFC 3986 section 3.2). */
function authorityEnd(url: string, start: number): number {
  let end = start;
  for (; end < url.length; end++) {
    const code = url.charCodeAt(end);
    if (code === SLASH || code === 0x3f || code === 0x23) break;
  }
  return end;
}

/** A valid host and its port. */
export interface Host {
  /**
   * Lower case, without port and final dot, an IPv6 address in its brackets:
   * nginx's `$host`.
   */
  readonly host: string;
  /** Up to five digits; `""` if there is none. */
  readonly port: string;
}

/**
 * Parses the value of a `Host` header or the authority of a URL. A name in lower
 * case costs one scan and one slice.
 *
 * @returns Null, to be answered with 400 (RFC 9112 section 3.2), for everything
 * but `reg-name [":" port]` and `IP-literal [":" port]` (RFC 3986 section 3.2):
 * user names, spaces, slashes, control characters, non-ASCII characters, invalid
 * escapes. As in nginx also for an empty host and two dots in a row.
 */
export function parseHost(authority: string): Host | null {
  if (authority.charCodeAt(0) === BRACKET) return parseLiteral(authority);
  const length = authority.length;
  let lower = true;
  let end = 0;
  for (; end < length; end++) {
    const code = authority.charCodeAt(end);
    const kind = code < 0x80 ? HOST_CHARS[code] : REFUSED;
    if (kind === PLAIN) continue;
    if (kind === UPPER) {
      lower = false;
    } else if (code === DOT) {
      if (authority.charCodeAt(end - 1) === DOT) return null;
    } else if (code === COLON) {
      break;
    } else if (!(code === PERCENT && isEscapeAt(authority, end))) {
      return null;
    }
  }
  const port = parsePort(authority, end);
  if (port === null) return null;
  if (authority.charCodeAt(end - 1) === DOT) end--;
  if (end === 0) return null;
  const host = end === length ? authority : authority.slice(0, end);
  return { host: lower ? host : host.toLowerCase(), port };
}

/** Parses an IPv6 address in brackets. RFC 3986's IPvFuture is not in use. */
function parseLiteral(authority: string): Host | null {
  const end = authority.indexOf("]");
  const address = authority.slice(1, end);
  if (!address.includes(":") || parseAddress(address) === null) return null;
  const port = parsePort(authority, end + 1);
  return port === null ? null : { host: `[${address.toLowerCase()}]`, port };
}

/** Parses what follows a host: nothing, or a colon and up to five digits. */
function parsePort(authority: string, start: number): string | null {
  if (start === authority.length) return "";
  if (authority.charCodeAt(start) !== COLON) return null;
  if (authority.length - start > 6) return null;
  for (let i = start + 1; i < authority.length; i++) {
    const code = authority.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return null;
  }
  return authority.slice(start + 1);
}

function isEscapeAt(text: string, at: number): boolean {
  return isHex(text.charCodeAt(at + 1)) && isHex(text.charCodeAt(at + 2));
}

function isHex(code: number): boolean {
  return hexValue(code) >= 0;
}

const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const BRACKET = 0x5b;

const REFUSED = 0;
const PLAIN = 1;
const UPPER = 2;

/** The characters of a reg-name: unreserved and sub-delims, without `.` and `%`, which are checked apart. */
const HOST_CHARS = hostChars();

function hostChars(): Uint8Array {
  const chars = new Uint8Array(128).fill(REFUSED);
  const plain = "abcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,;=";
  for (let i = 0; i < plain.length; i++) chars[plain.charCodeAt(i)] = PLAIN;
  return chars.fill(UPPER, 0x41, 0x5b);
}
