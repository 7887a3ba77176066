/**
 * Requests and responses as they may be shown: without cookies' values, tokens,
 * and passwords.
 *
 * @module
 */
import { utf8Bytes } from "../../route/bytes.ts";
import type { RecordedField } from "./recording.ts";

/** What stands for a secret. */
const MASK = "•••";

/** Letters of a value that are shown. */
const LONGEST = 500;

/** Letters of a WebSocket subprotocol's name; longer ones are tokens. */
const LONGEST_PROTOCOL = 32;

/** Fields that are shown. */
const MOST_FIELDS = 60;

/** Names of fields and parameters whose value is a secret. */
const SECRET =
  /auth|token|secret|passw|api[-_]?key|csrf|xsrf|session|signature|credential|jwt|oidc/i;

/** Attributes of a cookie (RFC 6265bis section 4.1.2). */
const ATTRIBUTE =
  /^ *(Expires|Max-Age|Domain|Path|Secure|HttpOnly|SameSite|Partitioned|Priority) *(=|$)/i;

/** What an Authorization may begin with that is no secret. */
const SCHEME =
  /^(Basic|Bearer|Digest|DPoP|GNAP|Hawk|Negotiate|NTLM|Token|AWS4-HMAC-SHA256)(?= )/i;

/** The same for parameters alone: OAuth's code, a signed URL's signature. */
const SECRET_PARAMETER = /^(code|state|key|sig|sign)$/i;

/** Whether a value, perhaps as bytes, has lost a secret. */
export function isMasked(value: string): boolean {
  return value.includes(MASK) || value.includes(utf8Bytes(MASK));
}

/** Fields whose values are masked. */
export function maskedFields(
  fields: Iterable<readonly [string, string]>,
): RecordedField[] {
  const masked: RecordedField[] = [];
  for (const [name, value] of fields) {
    if (masked.length === MOST_FIELDS) {
      masked.push(["…", "and more"]);
      break;
    }
    masked.push([name, cut(maskedValue(name.toLowerCase(), value))]);
  }
  return masked;
}

function maskedValue(name: string, value: string): string {
  switch (name) {
    case "cookie":
      return value.split(/; */).map(maskedPair).join("; ");
    case "set-cookie": {
      const [pair = "", ...attributes] = value.split(";");
      const shown = attributes.map((it) =>
        ATTRIBUTE.test(it) ? it : ` ${MASK}`
      );
      return [maskedPair(pair), ...shown].join(";");
    }
    case "authorization":
    case "proxy-authorization":
      return `${SCHEME.exec(value)?.[0] ?? ""} ${MASK}`.trim();
    case "location":
    case "content-location":
    case "referer":
    case "x-accel-redirect":
    case "refresh":
    case "hx-redirect":
    case "x-original-url":
    case "x-original-uri":
    case "x-forwarded-uri":
      return maskedTarget(value);
    case "sec-websocket-protocol":
      // Browsers can send no other field with a handshake: tokens are put here.
      return value.split(/ *, */)
        .map((it) => it.length > LONGEST_PROTOCOL ? MASK : it).join(", ");
    case "www-authenticate":
    case "proxy-authenticate":
    case "access-control-request-headers":
    case "access-control-allow-headers":
      return value;
    default:
      return SECRET.test(name) ? MASK : value;
  }
}

/** A cookie's name is no secret. */
function maskedPair(pair: string): string {
  const end = pair.indexOf("=");
  return end === -1 ? MASK : `${pair.slice(0, end)}=${MASK}`;
}

/**
 * A target, or URL, whose secret parameters are masked: those of the query, those
 * of the fragment (OAuth's implicit grant, RFC 6749 section 4.2.2), and a password
 * before the host.
 */
export function maskedTarget(target: string): string {
  const [, before = "", query = "", fragment = ""] =
    /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(target) ?? [];
  const address = before.replace(/(\/\/)[^/@]*@/, `$1${MASK}@`);
  return cut(address + maskedParameters(query) + maskedParameters(fragment));
}

/** @param text With the `?` or `#` before it; or `""`. */
function maskedParameters(text: string): string {
  const parameters = text.slice(1).split("&").map((parameter) => {
    const end = parameter.indexOf("=");
    if (end === -1) return parameter;
    const written = parameter.slice(0, end);
    const name = decoded(written);
    return SECRET.test(name) || SECRET_PARAMETER.test(name)
      ? `${written}=${MASK}`
      : parameter;
  });
  return text.slice(0, 1) + parameters.join("&");
}

/** A name as the application will read it: `%74oken` is `token`. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
