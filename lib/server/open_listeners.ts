/**
 * Opening what a plan listens on.
 *
 * @module
 */
import { listenKey } from "../config/address.ts";
import type { ListenerPlan, Plan } from "../config/plan.ts";
import { checkIsFree, ListenError, SHARES_PORTS } from "./listen_address.ts";
import { Listener, type ListenerOptions } from "./listener.ts";

export interface OpenOptions extends ListenerOptions {
  /** The listener of an address that is open already. */
  readonly find: (key: string) => Listener | undefined;
  /** Those that were bound before, where the config says 0. */
  readonly ports: ReadonlyMap<string, number> | undefined;
}

/**
 * The listeners of a plan, by address: those that are open already, and new
 * ones.
 *
 * @throws {ListenError} if one can't be had; none is open then but those before.
 */
export function openListeners(
  plan: Plan,
  options: OpenOptions,
): Map<string, Listener> {
  const listeners = new Map<string, Listener>();
  const added: Listener[] = [];
  try {
    for (const listenerPlan of plan.listeners) {
      const key = listenKey(listenerPlan.address);
      const present = options.find(key);
      if (present !== undefined && !needsAnother(present, listenerPlan)) {
        listeners.set(key, present);
        continue;
      }
      if (present === undefined) checkIsOurs(listenerPlan, options);
      const port = present?.port ?? options.ports?.get(key);
      const listener = new Listener(
        listenerPlan,
        port === undefined ? options : { ...options, port },
      );
      added.push(listener);
      listeners.set(key, listener);
    }
  } catch (error) {
    for (const listener of added) listener.abort();
    throw error;
  }
  return listeners;
}

/** @throws {ListenError} if another process has an address that is to be shared within this one. */
function checkIsOurs(
  plan: ListenerPlan,
  { shared = false }: ListenerOptions,
): void {
  if (plan.certificate !== null && !shared) checkIsFree(plan);
}

/**
 * Whether an address needs another listener beside the present one, for another
 * certificate.
 *
 * @throws {ListenError} if it is to change between HTTP and HTTPS.
 */
function needsAnother(
  present: Listener,
  { certificate, written }: ListenerPlan,
): boolean {
  const own = present.certificate;
  if ((own === null) !== (certificate === null)) {
    throw new ListenError(written, "ssl", {});
  }
  return SHARES_PORTS && own?.chain !== certificate?.chain;
}
