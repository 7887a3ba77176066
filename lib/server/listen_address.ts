/**
 * Opening an address, and saying why it can't be had.
 *
 * @module
 */
import type { ListenAddress, ListenerPlan } from "../config/plan.ts";
import type { Place } from "../exchange/exchange.ts";

/** An address could not be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  constructor(
    /** As the config writes it. */
    readonly address: string,
    /**
     * `own`: by this proxy, at another address with the same port. `ssl`: by
     * this proxy, with HTTP in place of HTTPS or the other way round.
     */
    readonly kind: "in use" | "own" | "ssl" | "permission" | "unavailable",
    options: ErrorOptions,
  ) {
    super(`cannot listen on ${address}: ${kind}`, options);
  }
}

/** Whether several listeners can have one port; elsewhere only the last one gets connections, or none can be opened. */
export const SHARES_PORTS: boolean = Deno.build.os === "linux";

/** What `Deno.serve` says of why it can't listen. */
export function listenError(written: string, cause: unknown): ListenError {
  return new ListenError(written, kindOf(cause), { cause });
}

function kindOf(cause: unknown): ListenError["kind"] {
  if (cause instanceof Deno.errors.AddrInUse) return "in use";
  if (
    cause instanceof Deno.errors.PermissionDenied ||
    cause instanceof Deno.errors.NotCapable
  ) return "permission";
  return "unavailable";
}

/**
 * Tells apart who has the port: `0.0.0.0:9000` can't be opened in place of
 * `127.0.0.1:9000` while this proxy has that open.
 *
 * @param own What this proxy listens on.
 * @returns The error to throw.
 */
export function ownIfOverlapping(
  error: unknown,
  own: readonly { readonly key: string }[],
): unknown {
  if (!(error instanceof ListenError) || error.kind !== "in use") return error;
  const port = portOf(error.address);
  return own.some(({ key }) => portOf(key) === port)
    ? new ListenError(error.address, "own", { cause: error })
    : error;
}

/** The digits at the end of an address. */
function portOf(address: string): string | undefined {
  return /\d+$/.exec(address)?.[0];
}

/**
 * Makes sure that nobody else listens on an address: workers, and listeners with
 * TLS, share theirs with each other and unasked with every process of the same
 * user.
 *
 * @throws {ListenError}
 */
export function checkIsFree({ address, written }: ListenerPlan): void {
  if (address.transport === "unix" || address.port === 0) return;
  const { hostname, port } = address;
  try {
    Deno.listen({ hostname, port }).close();
  } catch (cause) {
    throw listenError(written, cause);
  }
}

/** The place of an address, its port the one that was bound. */
export function placeOf(
  address: ListenAddress,
  scheme: Place["scheme"],
): Place {
  if (address.transport === "unix") {
    return {
      urlScheme: "http+unix://",
      scheme,
      fallbackHost: encodeURIComponent(address.path),
      serverPort: "",
    };
  }
  return {
    urlScheme: `${scheme}://`,
    scheme,
    fallbackHost: fallbackHost(address.hostname, address.port, scheme),
    serverPort: String(address.port),
  };
}

/** What Deno puts into a request's URL where the request names no host. */
function fallbackHost(
  hostname: string,
  port: number,
  scheme: Place["scheme"],
): string {
  const local = /^(localhost|127\..*|0\.0\.0\.0|::1?|\[::1?\])$/.test(hostname);
  return withPort(local ? "localhost" : hostname, port, scheme);
}

/** A host with its port, unless that is the scheme's default. */
function withPort(host: string, port: number, scheme: Place["scheme"]): string {
  return port === (scheme === "https" ? 443 : 80) ? host : `${host}:${port}`;
}

/** How to open an address in a browser on this machine. */
export function urlOf(address: Deno.Addr, scheme: Place["scheme"]): string {
  if (!("hostname" in address)) return "a unix socket";
  const any = address.hostname === "0.0.0.0" || address.hostname === "::" ||
    address.hostname === "127.0.0.1" || address.hostname === "::1";
  const host = any
    ? "localhost"
    : address.hostname.includes(":")
    ? `[${address.hostname}]`
    : address.hostname;
  return `${scheme}://${withPort(host, address.port, scheme)}`;
}

/** Sockets that must be free before an address is listened on again. */
const SPARE_SOCKETS = 8;

/** Whether this process may open a few more descriptors. */
export function haveDescriptors(): boolean {
  const spare: Deno.Listener[] = [];
  try {
    while (spare.length < SPARE_SOCKETS) {
      spare.push(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    }
    return true;
  } catch {
    return false;
  } finally {
    for (const listener of spare) listener.close();
  }
}

/** Why the system refused something, in words. Deno puts the system's words into the cause, behind the word "Error". */
export function systemReason(error: unknown): string {
  const { cause = error } = error instanceof Error ? error : {};
  return String(cause).replace(/^(?:\w+: )+/, "");
}
