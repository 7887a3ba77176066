/**
 * Opening the listeners of a plan.
 *
 * @module
 */
import type { ListenerPlan, Plan } from "../config/plan.ts";
import { listenKey } from "../config/address.ts";
import { checkIsFree, ownIfOverlapping } from "./listen_address.ts";
import { Listener } from "./listener.ts";
import { needsAnother } from "./replaced_listeners.ts";
import type { ServerOptions } from "./running.ts";

/** What is open already, and how others are opened. */
export interface Present {
  /** The listener of an address; undefined where none is open. */
  find(key: string): Listener | undefined;
  all(): readonly Listener[];
  readonly options: ServerOptions;
  /** Ports of addresses that leave it to the system. */
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
  { find, all, options, ports }: Present,
): Map<string, Listener> {
  const listeners = new Map<string, Listener>();
  const added: Listener[] = [];
  try {
    for (const listenerPlan of plan.listeners) {
      const key = listenKey(listenerPlan.address);
      const present = find(key);
      if (present !== undefined && !needsAnother(present, listenerPlan)) {
        listeners.set(key, present);
        continue;
      }
      const port = present?.port ?? ports?.get(key);
      const isNew = present === undefined;
      const listener = open(listenerPlan, port, isNew, options);
      added.push(listener);
      listeners.set(key, listener);
    }
  } catch (error) {
    for (const listener of added) listener.abort();
    throw ownIfOverlapping(error, all());
  }
  return listeners;
}

function open(
  plan: ListenerPlan,
  port: number | undefined,
  isNew: boolean,
  options: ServerOptions,
): Listener {
  const { shared = false } = options;
  if (isNew && plan.certificate !== null && !shared) checkIsFree(plan);
  return new Listener(
    plan,
    port === undefined ? options : { ...options, port },
  );
}
