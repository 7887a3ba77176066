/**
 * The listeners of a plan: those that are open already, and new ones.
 *
 * @module
 */
import { listenKey } from "../config/address.ts";
import type { ListenerPlan } from "../config/plan.ts";
import { checkIsFree } from "./listen_address.ts";
import { Listener } from "./listener.ts";
import { needsAnother } from "./replaced_listeners.ts";
import type { ServerOptions } from "./running.ts";

/**
 * Opens what is not open yet, and again where the certificate is another one.
 *
 * @param find What is open at an address.
 * @returns By address.
 * @throws {ListenError} if one can't be had; those opened before it are closed.
 */
export function openListeners(
  plans: readonly ListenerPlan[],
  options: ServerOptions,
  find: (key: string) => Listener | undefined,
): Map<string, Listener> {
  const listeners = new Map<string, Listener>();
  const added: Listener[] = [];
  try {
    for (const plan of plans) {
      const key = listenKey(plan.address);
      const present = find(key);
      if (present !== undefined && !needsAnother(present, plan)) {
        listeners.set(key, present);
        continue;
      }
      const isNew = present === undefined;
      const { shared = false } = options;
      if (isNew && plan.certificate !== null && !shared) checkIsFree(plan);
      const port = present?.port ?? options.ports?.get(key);
      const listener = new Listener(
        plan,
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
