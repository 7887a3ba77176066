/**
 * `redirect_to_https`: a server that sends every request to another one.
 *
 * @module
 */
import { compileLocations } from "../route/location.ts";
import type { Settings } from "./directives/all.ts";
import type { Listen } from "./directives/listen.ts";
import type { HttpsRedirect } from "./directives/ssl.ts";
import type { LocationPlan, ServerPlan } from "./plan.ts";
import { compileTemplate } from "./template.ts";

/**
 * The server that redirects, with 308 (RFC 9110 section 15.4.9), so that a POST
 * stays one.
 *
 * @param listen Of the server that it leads to.
 */
export function redirectServer(
  name: string,
  redirect: HttpsRedirect,
  listen: readonly Listen[],
  settings: Settings,
): ServerPlan {
  const port = redirect.port ?? portOf(listen);
  const authority = port === 443 ? "$host" : `$host:${port}`;
  const value: LocationPlan = {
    key: "/",
    prefix: "/",
    access: [],
    internal: false,
    content: {
      kind: "redirect",
      status: 308,
      location: compileTemplate(`https://${authority}$request_uri`),
    },
    // nginx's `return` of a server comes before its limit.
    settings: { ...settings, client_max_body_size: 0 },
  };
  return {
    name,
    locations: compileLocations([{
      key: { kind: "prefix", path: "/" },
      value,
    }]),
    strictTransportSecurity: null,
    redirectsToHttps: true,
  };
}

/** The port of the first address with ssl. */
function portOf(listen: readonly Listen[]): number {
  for (const { address, ssl } of listen) {
    if (ssl && address.transport === "tcp") return address.port;
  }
  throw new Error("redirect_to_https without a listen with ssl");
}
