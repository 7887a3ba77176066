/**
 * Addresses as URLs have them.
 *
 * @module
 */

/** The URL of a root: `http://192.168.1.5:9002/`. */
export function httpUrl(
  scheme: "http" | "https",
  address: string,
  port: number,
): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `${scheme}://${host}:${port}/`;
}
