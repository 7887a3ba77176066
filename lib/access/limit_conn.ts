/**
 * How many requests and WebSockets there may be at a time: `limit_conn` and
 * `websocket_limit_conn`. Each worker counts its own.
 *
 * @module
 */
import type { LimitConnPlan, LimitConnZone } from "../config/plan.ts";
import type { Exchange, Held } from "../exchange/exchange.ts";
import { LocalResponse } from "../exchange/local_response.ts";

/** Counts one kind of things at one place of the config. */
class Counter {
  #total = 0;
  readonly #perAddress = new Map<string, number>();

  /** The status to refuse one more with (429 is RFC 6585 section 4); null where there is a place. */
  refuses({ total, perAddress }: LimitConnZone, address: string) {
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

/** Places that were taken, one in each zone. */
class Places implements Held {
  constructor(readonly counters: Counter[], readonly address: string) {}

  giveBack(): void {
    for (const counter of this.counters) counter.giveBack(this.address);
  }
}

/** What is counted; those of the whole proxy last from plan to plan. */
export class ConnCounters {
  readonly #requests = new Counter();
  readonly #webSockets = new Counter();
  readonly #ofLocations = new WeakMap<LimitConnZone, Counter>();

  of(zone: LimitConnZone, websocket: boolean): Counter {
    if (zone.scope === "proxy") {
      return websocket ? this.#webSockets : this.#requests;
    }
    let counter = this.#ofLocations.get(zone);
    if (counter === undefined) {
      counter = new Counter();
      this.#ofLocations.set(zone, counter);
    }
    return counter;
  }
}

/** Takes a place in each zone, or refuses: too many in all, or of this client. */
export function limitConn(
  { requests, webSockets }: LimitConnPlan,
  exchange: Exchange,
  counters: ConnCounters,
): LocalResponse | null {
  const { websocket, remoteAddr } = exchange;
  // As in nginx, once for a request: an internal redirect takes no second place.
  if (exchange.places !== null) return null;
  const zones = websocket ? webSockets : requests;
  if (zones.length === 0) return null;
  const taken = zones.map((zone) => counters.of(zone, websocket));
  for (const [i, zone] of zones.entries()) {
    const status = taken[i]?.refuses(zone, remoteAddr) ?? null;
    if (status !== null) return refusal(status, websocket);
  }
  for (const counter of taken) counter.take(remoteAddr);
  exchange.places = new Places(taken, remoteAddr);
  return null;
}

/** Seconds after which who was refused may come again. */
const RETRY_AFTER = "1";

function refusal(status: 429 | 503, websocket: boolean): LocalResponse {
  const things = websocket ? "WebSockets" : "requests in flight";
  const whose = status === 429 ? " from your address" : "";
  return new LocalResponse(
    status,
    `There are too many ${things}${whose}.`,
    `${websocket ? "websocket_limit_conn" : "limit_conn"} of config.yaml ` +
      "says so",
    [["retry-after", RETRY_AFTER]],
  );
}
