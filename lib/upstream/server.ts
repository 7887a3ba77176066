/**
 * One server of an upstream, at run time: where it is, and how it has been.
 *
 * @module
 */
import type { UpstreamAddress, UpstreamServerPlan } from "../config/plan.ts";
import type { ServerMetrics } from "../observe/metrics/server_metrics.ts";
import type { Transport } from "../transport/transport.ts";
import type { Peer } from "./balance/method.ts";

/** How long a server has failed. */
export interface Fault {
  /** Its first failure since it last succeeded, in milliseconds since 1970. */
  readonly since: number;
  /** Its last one, in words. */
  readonly why: string;
}

/**
 * The counting of failures is nginx's (ngx_http_upstream_round_robin.c): a
 * server with `max_fails` of them within `fail_timeout` is left out for
 * `fail_timeout`; then one request tries it.
 */
export class UpstreamServer implements Peer {
  /** Where it is, also for people: `10.0.0.2:8000`. */
  readonly name: string;
  weight: number;
  effectiveWeight: number;
  currentWeight = 0;
  active = 0;
  #fault: Fault | null = null;

  #fails = 0;
  /** When it failed last. */
  #accessed = -Infinity;
  /** When it failed last, or was first taken after that. */
  #checked = -Infinity;
  /** What the active checks say. */
  #healthy = true;
  /** Since when it gets a growing share; null for all of it. */
  #returned: number | null = null;

  /**
   * @param address Where it listens: as the plan says, or one of the addresses
   * of its name.
   * @param transport The way to it.
   * @param metrics What is counted of it; null for nothing.
   */
  constructor(
    readonly plan: UpstreamServerPlan,
    readonly address: UpstreamAddress,
    readonly transport: Transport,
    readonly metrics: ServerMetrics | null = null,
  ) {
    this.name = address.name;
    this.weight = plan.weight;
    this.effectiveWeight = plan.weight;
  }

  /** Whether the active checks, and the plan, let it take requests. */
  get healthy(): boolean {
    return this.#healthy && !this.plan.down;
  }

  /** Whether it has all the exchanges that it may have. */
  get full(): boolean {
    return this.plan.maxConns > 0 && this.active >= this.plan.maxConns;
  }

  /** What is wrong with it; null where it has succeeded since. */
  get fault(): Fault | null {
    return this.#fault;
  }

  /** Whether it has failed since it last succeeded. */
  get hasFailed(): boolean {
    return this.#fails > 0;
  }

  /** Whether it is left out for its failures. */
  failing(now: number): boolean {
    const { maxFails, failTimeout } = this.plan;
    return maxFails > 0 && this.#fails >= maxFails &&
      now - this.#checked <= failTimeout;
  }

  /**
   * It takes a request. {@linkcode release} has to follow.
   *
   * @param anyway Though it is {@linkcode failing}; if that goes well it is back.
   */
  take(now: number, anyway: boolean): void {
    this.active++;
    if (anyway || now - this.#checked > this.plan.failTimeout) {
      this.#checked = now;
    }
  }

  release(): void {
    this.active--;
  }

  /**
   * @param why In words.
   * @returns Whether it is left out from now on, and was not before.
   */
  failed(now: number, why = ""): boolean {
    this.#hasFault(why);
    const before = this.failing(now);
    this.#fails++;
    this.#accessed = now;
    this.#checked = now;
    const { maxFails, weight } = this.plan;
    if (maxFails > 0) {
      this.effectiveWeight = Math.max(
        0,
        this.effectiveWeight - Math.trunc(weight / maxFails),
      );
    }
    return !before && this.failing(now);
  }

  /** @returns Whether it is taken back by this, having been left out. */
  succeeded(now: number): boolean {
    this.#fault = null;
    if (this.#accessed >= this.#checked) return false;
    const { maxFails } = this.plan;
    const back = maxFails > 0 && this.#fails >= maxFails;
    this.#fails = 0;
    if (back) this.#comeBack(now);
    return back;
  }

  /**
   * What an active check found.
   *
   * @param why What is wrong, in words, where it is not healthy.
   * @returns Whether that is news.
   */
  checked(healthy: boolean, now: number, why = ""): boolean {
    if (!healthy) this.#hasFault(why);
    if (healthy === this.#healthy) return false;
    this.#healthy = healthy;
    if (healthy) {
      this.#fault = null;
      this.#fails = 0;
      this.#comeBack(now);
    }
    return true;
  }

  #hasFault(why: string): void {
    this.#fault = { since: this.#fault?.since ?? Date.now(), why };
  }

  #comeBack(now: number): void {
    this.effectiveWeight = this.plan.weight;
    if (this.plan.slowStart === 0) return;
    this.#returned = now;
    this.warmUp(now);
  }

  /** Its share grows from almost nothing to all of it over `slow_start`. */
  warmUp(now: number): void {
    if (this.#returned === null) return;
    const { slowStart, weight } = this.plan;
    const share = (now - this.#returned) / slowStart;
    if (share >= 1) this.#returned = null;
    this.weight = weight * Math.min(1, Math.max(0.01, share));
  }
}
