/**
 * Where the servers of a config are: their addresses, their certificates, and the
 * servers that redirect to them.
 *
 * @module
 */
import { acmeOf, challengeFolder } from "./acme.ts";
import type { PlacedServer } from "./build_listeners.ts";
import type { Certificates } from "./certificates.ts";
import type { Settings } from "./directives/all.ts";
import { redirectServer } from "./https_redirect.ts";
import type { AcmePlan, Certificate, ServerPlan } from "./plan.ts";
import type { Config, ServerConfig } from "./schema.ts";

/** What a server says, else the top level; null is off. */
export function ownOrAbove<T>(
  own: T | null | undefined,
  above: T | null | undefined,
): T | null {
  return (own === undefined ? above : own) ?? null;
}

/**
 * A server with its addresses, and the one that only redirects to it.
 *
 * @param config What the config says of it.
 * @param server What was built of that.
 */
export function placedServers(
  config: ServerConfig,
  server: ServerPlan,
  top: { readonly config: Config; readonly settings: Settings },
  certificates: Certificates,
): PlacedServer[] {
  const { listen, server_name: names } = config;
  const hasSsl = listen.some(({ ssl }) => ssl);
  const acme = hasSsl
    ? acmeOf(config, top.config, (file) => certificates.path(file))
    : null;
  const certificate = hasSsl
    ? certificateOf(config, acme, top.config, certificates)
    : null;
  const redirect = ownOrAbove(
    config.redirect_to_https,
    top.config.redirect_to_https,
  );
  const placed = [{ server, names, listen, certificate, acme }];
  if (redirect !== null) {
    placed.push({
      server: redirectServer(
        server.name,
        redirect,
        listen,
        top.settings,
        acme === null ? null : challengeFolder(acme.stateDir),
      ),
      names,
      listen: [redirect.listen],
      certificate: null,
      acme: null,
    });
  }
  return placed;
}

function certificateOf(
  server: ServerConfig,
  acme: AcmePlan | null,
  top: Config,
  certificates: Certificates,
): Certificate {
  const written = server.ssl_certificate ?? top.ssl_certificate;
  const { certificate } = certificates.read(
    acme === null
      ? {
        certificate: typeof written === "string" ? written : "",
        key: server.ssl_certificate_key ?? top.ssl_certificate_key ?? "",
        managed: false,
      }
      : { certificate: acme.file, key: acme.file, managed: true },
  );
  if (certificate === null) throw new Error("ssl without a certificate");
  return certificate;
}
