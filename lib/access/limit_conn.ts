/**
 * How many requests and WebSockets there may be at a time: `limit_conn` and
 * `websocket_limit_conn`. Each worker counts its own.
 *
 * @module
 */
import type { LimitConnZone, LocationPlan } from "../config/plan.ts";

/** A place that was taken; it has to be given back once. */
export type GiveBack = () => void;

/** Why there is no place: too many in all (503), or of this client (429, RFC 6585 section 4). */
export type Refusal = 429 | 503;

/** Counts one kind of things at one place of the config. */
class Counter {
  #total = 0;
  readonly #perAddress = new Map<string, number>();

  refuses(
    { total, perAddress }: LimitConnZone,
    address: string,
  ): Refusal | null {
    if (total > 0 && this.#total >= total) return 503;
    return perAddress > 0 &&
        (this.#perAddress.get(address) ?? 0) >= perAddress
      ? 429
      : null;
  }

  take(address: string): void {
    this.#total++;
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
  }

  giveBack(address: string): void {
    this.#total--;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }
}

/** Those of the whole proxy, which last from plan to plan. */
export class Limits {
  readonly #requests = new Counter();
  readonly #webSockets = new Counter();
  readonly #locations = new WeakMap<
    LocationPlan,
    { requests: Counter; webSockets: Counter }
  >();

  /**
   * Takes a place for a request or a WebSocket.
   *
   * @param address The client's.
   * @returns Null where no limit asks for counting.
   */
  take(
    location: LocationPlan,
    websocket: boolean,
    address: string,
  ): GiveBack | Refusal | null {
    const [limits] = location.access;
    const zones = websocket ? limits?.webSockets : limits?.requests;
    if (zones === undefined || zones.length === 0) return null;
    const kind = websocket ? "webSockets" : "requests";
    const proxy = { requests: this.#requests, webSockets: this.#webSockets };
    const counters = zones.map(({ scope }) =>
      scope === "proxy" ? proxy[kind] : this.#countersOf(location)[kind]
    );
    for (const [i, zone] of zones.entries()) {
      const refusal = counters[i]?.refuses(zone, address) ?? null;
      if (refusal !== null) return refusal;
    }
    for (const counter of counters) counter.take(address);
    return () => {
      for (const counter of counters) counter.giveBack(address);
    };
  }

  #countersOf(location: LocationPlan) {
    let counters = this.#locations.get(location);
    if (counters === undefined) {
      counters = { requests: new Counter(), webSockets: new Counter() };
      this.#locations.set(location, counters);
    }
    return counters;
  }
}
