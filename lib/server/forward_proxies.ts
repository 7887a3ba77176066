/**
 * Forward proxies of the environment, which this one does not use.
 *
 * @module
 */

/**
 * `fetch` would send every upstream request through the forward proxies named
 * in these variables, which containers often have. That is never meant here.
 */
export function forgetForwardProxies(): void {
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) {
    Deno.env.delete(name);
    Deno.env.delete(name.toLowerCase());
  }
}
