/**
 * Whether a request comes from a page of this origin, as Django (against CSRF)
 * and Centrifugo (against WebSockets opened by foreign pages) ask.
 *
 * @module
 */

/**
 * Compares the `Origin` header with the hosts that the request was sent to.
 *
 * A host without a port fits every port: a proxy that forwards `Host: $host`
 * takes the port away. The real ones are stricter there and want
 * `CSRF_TRUSTED_ORIGINS` and `allowed_origins` instead.
 *
 * @param origin The `Origin` header: `http://localhost:9000`, or `null`.
 * @param hosts `Host` and `X-Forwarded-Host`; null for one that did not come.
 */
export function isSameOrigin(
  origin: string,
  hosts: readonly (string | null)[],
): boolean {
  const url = URL.parse(origin);
  if (url === null || url.host === "") return false;
  return hosts.some((host) => {
    if (host === null) return false;
    const name = host.toLowerCase();
    return name === url.host || name === url.hostname;
  });
}
