/**
 * How TLS is spoken to a server.
 *
 * @module
 */
import type { UpstreamAddress, UpstreamTls } from "../../config/plan.ts";

/** How TLS is spoken. */
export interface TlsOptions extends Omit<UpstreamTls, "name"> {
  /** The name that is asked for and verified. */
  readonly hostname: string;
}

/** How TLS is spoken to a server; `plan` is null where the config says nothing of it. */
export function tlsOptions(
  address: UpstreamAddress,
  plan: UpstreamTls | null,
): TlsOptions {
  const { trusted = null, verify = true, certificate = null, name = null } =
    plan ?? {};
  const hostname = name ??
    (address.transport === "tcp" ? address.hostname : "localhost");
  return { hostname, trusted, verify, certificate };
}
