/**
 * The running proxy: its start, its reloads and its end.
 *
 * @module
 */
import { listenKey } from "../config/address.ts";
import type { ListenerPlan, Plan } from "../config/plan.ts";
import { Folders } from "../content/static/folders.ts";
import { Deadlines } from "../exchange/deadline.ts";
import { within } from "../exchange/timeout.ts";
import { Generation } from "../observe/metrics/generation.ts";
import type { Metrics, ThreadSnapshot } from "../observe/metrics/metrics.ts";
import { UpstreamGroups } from "../upstream/groups.ts";
import { createHandler, type ServerState } from "../request/handler.ts";
import { AccessStore } from "../access/store.ts";
import { ListenError, ownIfOverlapping } from "./listen_address.ts";
import { type Handler, Listener } from "./listener.ts";
import { gone } from "./draining.ts";
import { Measuring } from "./measuring.ts";
import { flushLog } from "./log_flush.ts";
import type {
  Changes,
  ListenedAddress,
  PreparedReload,
  RunningServer,
  ServerOptions,
} from "./running.ts";

export { ListenError };
export type * from "./running.ts";

/**
 * Listens on every address of the plan.
 *
 * @throws {ListenError} if one can't be had; those already open are closed.
 */
export function startServer(plan: Plan, options: ServerOptions): RunningServer {
  forgetForwardProxies();
  return new Server(plan, options);
}

/** What all listeners share. */
type Shared = Omit<ServerState, "bridges" | "inFlight">;

class Server implements RunningServer {
  readonly finished: Promise<void>;
  readonly #finished = Promise.withResolvers<void>();
  readonly #options: ServerOptions;
  #plan: Plan;
  #shared: Shared;
  /** By their addresses. */
  #listeners = new Map<string, Listener>();
  /** Those that a reload has removed and that still have WebSockets. */
  readonly #leaving = new Set<Listener>();
  #measuring: Measuring | null;
  /** Of configs before, by which something still runs. */
  #old: Generation[] = [];
  #stopping = false;

  constructor(plan: Plan, options: ServerOptions) {
    this.finished = this.#finished.promise;
    this.#options = options;
    this.#plan = plan;
    this.#listeners = this.#open(plan, options.ports);
    const deadlines = new Deadlines();
    const measuring = plan.admin === null ? null : new Measuring();
    this.#measuring = measuring;
    const metrics = measuring?.metrics ?? null;
    const groups = this.#groups(plan, deadlines, metrics);
    measuring?.use(plan, groups);
    this.#shared = {
      groups,
      metrics,
      generation: new Generation(options.generation ?? 1, Date.now()),
      folders: new Folders(),
      deadlines,
      access: new AccessStore(options.errorLog),
      accessLog: options.accessLog,
      errorLog: options.errorLog,
      dev: plan.dev,
    };
    for (const [listener, handler] of this.#handlers(plan, this.#shared)) {
      listener.serve(handler);
    }
  }

  #groups(
    plan: Plan,
    deadlines: Deadlines,
    metrics: Metrics | null,
    previous?: UpstreamGroups,
  ): UpstreamGroups {
    const report = this.#options.errorLog;
    const parts = { deadlines, report, metrics };
    return new UpstreamGroups(plan.upstreams, parts, previous);
  }

  get addresses(): ListenedAddress[] {
    return [...this.#listeners.values()].map(addressOf);
  }

  reload(plan: Plan): Changes {
    return this.prepareReload(plan).commit();
  }

  prepareReload(
    plan: Plan,
    { ports, generation }: Pick<ServerOptions, "ports" | "generation"> = {},
  ): PreparedReload {
    if (this.#stopping) throw new Error("the proxy is shutting down");
    const listeners = this.#open(plan, ports);
    const before = this.#all();
    const added = [...listeners.values()]
      .filter((listener) => !before.includes(listener));
    const back = [...this.#leaving]
      .filter((listener) => listeners.get(listener.key) === listener);
    // From here on no end of a WebSocket closes them.
    for (const listener of back) listener.serve(gone);
    return {
      addresses: [...listeners.values()].map(addressOf),
      commit: () => this.#commit(plan, listeners, generation),
      cancel() {
        for (const listener of added) listener.abort();
        for (const listener of back) listener.leave(gone);
      },
    };
  }

  snapshot(): ThreadSnapshot | null {
    const { groups, generation } = this.#shared;
    this.#old = this.#old.filter(({ idle }) => !idle);
    return this.#measuring?.snapshot({
      groups,
      bridges: this.#all().map(({ bridges }) => bridges),
      generations: [...this.#old, generation],
    }) ?? null;
  }

  abort(): void {
    this.#stopping = true;
    for (const listener of this.#all()) listener.abort();
    this.#close();
  }

  async shutdown(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const { shutdownTimeout, websocketDrain } = this.#plan;
    const window = Math.min(websocketDrain, shutdownTimeout);
    const ended = Promise.all(
      this.#all().map((listener) => listener.drain(window)),
    );
    await within(ended, shutdownTimeout);
    for (const { bridges } of this.#all()) bridges.abort();
    this.#close();
    await flushLog(this.#options.accessLog);
  }

  #all(): Listener[] {
    return [...this.#listeners.values(), ...this.#leaving];
  }

  /**
   * The listeners of a plan, by address: those that are open already, and new
   * ones.
   *
   * @throws {ListenError} if one can't be had; none is open then but those before.
   */
  #open(
    plan: Plan,
    ports?: ReadonlyMap<string, number>,
  ): Map<string, Listener> {
    const listeners = new Map<string, Listener>();
    const added: Listener[] = [];
    try {
      for (const listenerPlan of plan.listeners) {
        const key = listenKey(listenerPlan.address);
        let listener = this.#find(key);
        if (listener === undefined) {
          const port = ports?.get(key);
          const options = port === undefined
            ? this.#options
            : { ...this.#options, port };
          listener = new Listener(listenerPlan, options);
          added.push(listener);
        }
        listeners.set(key, listener);
      }
    } catch (error) {
      for (const listener of added) listener.abort();
      throw ownIfOverlapping(error, this.#all());
    }
    return listeners;
  }

  #find(key: string): Listener | undefined {
    return this.#listeners.get(key) ??
      [...this.#leaving].find((one) => one.key === key && !one.closing);
  }

  #commit(
    plan: Plan,
    listeners: Map<string, Listener>,
    number?: number,
  ): Changes {
    const before = this.#listeners;
    const { groups, deadlines, generation } = this.#shared;
    const measuring = plan.admin === null
      ? null
      : this.#measuring ?? new Measuring();
    if (measuring === null) this.#measuring?.close();
    this.#measuring = measuring;
    const metrics = measuring?.metrics ?? null;
    const next = this.#groups(plan, deadlines, metrics, groups);
    measuring?.use(plan, next);
    this.#old = [...this.#old, generation].filter(({ idle }) => !idle);
    const shared: Shared = {
      ...this.#shared,
      groups: next,
      metrics,
      generation: new Generation(number ?? generation.number + 1, Date.now()),
      dev: plan.dev,
    };
    this.#plan = plan;
    this.#listeners = listeners;
    this.#shared = shared;
    for (const [listener, handler] of this.#handlers(plan, shared)) {
      listener.serve(handler);
    }
    groups.release();
    shared.access.retain(plan);
    for (const listener of listeners.values()) this.#leaving.delete(listener);
    const removed: string[] = [];
    for (const [key, listener] of before) {
      if (listeners.has(key)) continue;
      removed.push(listener.written);
      this.#leaving.add(listener);
      listener.leave(gone);
      listener.ended.then(() => this.#leaving.delete(listener));
    }
    return {
      added: [...listeners].filter(([key]) => !before.has(key))
        .map(([, { written }]) => written),
      removed,
      notes: [],
    };
  }

  #handlers(plan: Plan, shared: Shared): [Listener, Handler][] {
    return plan.listeners.map((listenerPlan: ListenerPlan) => {
      const listener = this.#listeners.get(listenKey(listenerPlan.address));
      if (listener === undefined) throw new Error("no listener for a plan's");
      const { bridges, inFlight } = listener;
      const state = { ...shared, bridges, inFlight };
      return [listener, createHandler(listenerPlan, listener.place, state)];
    });
  }

  #close(): void {
    this.#shared.deadlines.close();
    this.#shared.access.close();
    this.#measuring?.close();
    this.#shared.groups.release();
    Promise.all(this.#all().map((listener) => listener.ended))
      .then(() => this.#finished.resolve());
  }
}

function addressOf({ key, written, url, port }: Listener): ListenedAddress {
  return { key, written, url, port };
}

/**
 * `fetch` would send every upstream request through the forward proxies named
 * in these variables, which containers often have. That is never meant here.
 */
function forgetForwardProxies(): void {
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]) {
    Deno.env.delete(name);
    Deno.env.delete(name.toLowerCase());
  }
}
