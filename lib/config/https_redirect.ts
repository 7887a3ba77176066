/**
 * `redirect_to_https`: a server that sends every request to another one.
 *
 * @module
 */
import { compileLocations } from "../route/location.ts";
import type { Settings } from "./directives/all.ts";
import type { Listen } from "./directives/listen.ts";
import type { HttpsRedirect } from "./directives/ssl.ts";
import type { ContentPlan, LocationPlan, ServerPlan } from "./plan.ts";
import { compileTemplate } from "./template.ts";

/** Where an authority looks for the answer to its challenge (RFC 8555 section 8.3). */
const CHALLENGES = "/.well-known/acme-challenge/";

/**
 * The server that redirects, with 308 (RFC 9110 section 15.4.9), so that a POST
 * stays one.
 *
 * @param listen Of the server that it leads to.
 * @param challenges The folder with the answers to ACME's challenges; null for
 * none.
 */
export function redirectServer(
  name: string,
  redirect: HttpsRedirect,
  listen: readonly Listen[],
  settings: Settings,
  challenges: string | null,
): ServerPlan {
  const port = redirect.port ?? portOf(listen);
  const authority = port === 443 ? "$host" : `$host:${port}`;
  const location = (prefix: string, content: ContentPlan) => {
    const value: LocationPlan = {
      key: prefix,
      prefix,
      access: [],
      internal: false,
      rewrite: null,
      captures: null,
      errorPages: null,
      filters: [],
      content,
      // nginx's `return` of a server comes before its limit.
      settings: { ...settings, client_max_body_size: 0 },
    };
    return { key: { kind: "prefix", path: prefix } as const, value };
  };
  const locations = [location("/", {
    kind: "redirect",
    status: 308,
    location: compileTemplate(`https://${authority}$request_uri`),
    captures: 0,
  })];
  if (challenges !== null) {
    const content = { kind: "acme_challenge", folder: challenges } as const;
    locations.push(location(CHALLENGES, content));
  }
  return {
    name,
    locations: compileLocations(locations),
    rewrite: null,
    errorPages: null,
    filters: [],
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
