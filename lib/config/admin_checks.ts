/**
 * The check that the admin listener and the servers don't want the same port.
 *
 * @module
 */
import { type ListenAddress, listenKey } from "./address.ts";
import type { Report } from "./config_error.ts";
import type { Listen } from "./directives/listen.ts";

/** What the check reads; what was refused is undefined. */
export interface ReadAdmin {
  readonly admin?: { readonly address: ListenAddress } | null | undefined;
}

/** Hosts on which a listener has the port of all others. */
const ANY = new Set(["0.0.0.0", "::", "[::]"]);

/**
 * Reports an admin listener that could not listen beside the servers.
 *
 * @param listens The addresses of all servers.
 */
export function checkAdmin(
  { admin }: ReadAdmin,
  listens: readonly (Listen | undefined)[],
  report: Report,
): void {
  const address = admin?.address;
  if (address === undefined) return;
  const taker = listens.find((listen) =>
    listen !== undefined && overlap(listen.address, address)
  );
  if (taker === undefined) return;
  report(
    ["admin"],
    `a server listens on ${taker.written} already: give it another port`,
  );
}

/** Whether one address can't be listened on while the other is. */
function overlap(a: ListenAddress, b: ListenAddress): boolean {
  if (a.transport === "unix" || b.transport === "unix") {
    return listenKey(a) === listenKey(b);
  }
  // Port 0 is whichever is free.
  return a.port !== 0 && a.port === b.port &&
    (a.hostname === b.hostname || ANY.has(a.hostname) || ANY.has(b.hostname));
}
