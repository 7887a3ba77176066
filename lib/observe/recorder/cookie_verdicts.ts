/**
 * What a browser will make of cookies: those that it drops are the hardest faults
 * to see.
 *
 * @module
 */

/** Hosts that browsers take for secure without TLS. */
const LOCAL = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Sentences about the `Set-Cookie` fields that a browser drops (RFC 6265bis
 * section 5.7).
 *
 * @param host Without a port.
 */
export function cookieVerdicts(
  setCookies: readonly string[],
  scheme: string,
  host: string,
): string[] {
  return setCookies.flatMap((field) => {
    const why = whyDropped(field, scheme, host);
    const name = field.slice(0, field.search(/[=;]|$/)).trim();
    return why === null
      ? []
      : [`The browser will drop the cookie "${name}": ${why}.`];
  });
}

function whyDropped(
  field: string,
  scheme: string,
  host: string,
): string | null {
  const [pair = "", ...rest] = field.split(";");
  const attributes = new Map(rest.map((attribute) => {
    const [name = "", value = ""] = attribute.split("=", 2);
    return [name.trim().toLowerCase(), value.trim()];
  }));
  const name = pair.slice(0, pair.search(/=|$/)).trim().toLowerCase();
  const isSecure = attributes.has("secure");
  if (isSecure && scheme === "http" && !LOCAL.test(host)) {
    return "it is Secure, and the page came over http";
  }
  const sameSite = attributes.get("samesite")?.toLowerCase();
  if (sameSite === "none" && !isSecure) {
    return "SameSite=None is taken only with Secure";
  }
  if (name.startsWith("__secure-") && !isSecure) {
    return "a name that begins with __Secure- needs Secure";
  }
  const domain = attributes.get("domain")?.replace(/^\./, "").toLowerCase();
  if (name.startsWith("__host-")) {
    if (!isSecure || domain || attributes.get("path") !== "/") {
      return "a name that begins with __Host- needs Secure, Path=/ and no Domain";
    }
  }
  if (domain && domain !== host && !host.endsWith(`.${domain}`)) {
    return `its Domain is ${domain}, and the host is ${host}`;
  }
  return null;
}
