/**
 * The running proxy: its start, its reloads and its end.
 *
 * @module
 */
import type { ListenerPlan, Plan } from "../config/plan.ts";
import type { AccessLog } from "../observe/access_log.ts";
import { Deadlines } from "../proxy/deadline.ts";
import { watchHealth } from "../proxy/health_check.ts";
import { Reachability } from "../proxy/reachability.ts";
import { UpstreamGroups } from "../upstream/groups.ts";
import type { Control } from "./control.ts";
import { createHandler, type ServerState } from "./handler.ts";
import { Limits } from "./limits.ts";
import { addressKey, ListenError } from "./listen.ts";
import { type Handler, Listener } from "./listener.ts";

export { ListenError };

export interface ServerOptions {
  accessLog: AccessLog;
  /** Takes one line for whoever runs the proxy. */
  errorLog: (line: string) => void;
  /** Whether ports may be shared with the other workers of this process. */
  shared?: boolean;
  /** Reads the config again, if that is possible. */
  control?: Control;
}

/** What a reload has changed, addresses as the configs write them. */
export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** What is to be known besides, a few words each. */
  readonly notes: readonly string[];
}

/** A reload that has everything it needs. */
export interface PreparedReload {
  /** Makes it so, in one step. */
  commit(): Changes;
  /** Leaves everything as it was. */
  cancel(): void;
}

/** A proxy that is running. */
export interface RunningServer {
  /** Where it listens, and how to open that in a browser. */
  readonly addresses: { written: string; url: string }[];
  /** Settles when every listener has ended. */
  readonly finished: Promise<void>;
  /**
   * Puts another plan in the place of the present one. Requests in flight end as
   * they began, WebSockets stay open, those on listeners that are gone too.
   *
   * @throws {ListenError} if an address can't be had; nothing has changed then.
   */
  reload(plan: Plan): Changes;
  /** The first half of {@linkcode reload}: opens what is new. Throws the same. */
  prepareReload(plan: Plan): PreparedReload;
  /**
   * Stops accepting, lets requests in flight finish for up to
   * `shutdown_timeout`, and closes WebSockets with 1012 ("service restart") over
   * `websocket_drain`. Resolves when all is closed or the time is over; what is
   * left then ends with the process.
   */
  shutdown(): Promise<void>;
  /** Ends everything at once. */
  abort(): void;
}

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
type Shared = Omit<ServerState, "bridges">;

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
  /** Groups that are no longer in use, once the requests on them are answered. */
  readonly #retired: { groups: UpstreamGroups; next: UpstreamGroups }[] = [];
  #retiring: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(plan: Plan, options: ServerOptions) {
    this.finished = this.#finished.promise;
    this.#options = options;
    this.#plan = plan;
    this.#listeners = this.#open(plan);
    this.#shared = {
      groups: this.#groups(plan),
      deadlines: new Deadlines(),
      reachability: new Reachability(),
      limits: new Limits(),
      accessLog: options.accessLog,
      errorLog: options.errorLog,
      dev: plan.dev,
    };
    for (const [listener, handler] of this.#handlers(plan, this.#shared)) {
      listener.serve(handler);
    }
  }

  #groups(plan: Plan, previous?: UpstreamGroups): UpstreamGroups {
    return new UpstreamGroups(
      plan.upstreams,
      previous,
      (group) => watchHealth(group, this.#options.errorLog),
    );
  }

  get addresses() {
    return [...this.#listeners.values()]
      .map(({ written, url }) => ({ written, url }));
  }

  reload(plan: Plan): Changes {
    return this.prepareReload(plan).commit();
  }

  prepareReload(plan: Plan): PreparedReload {
    if (this.#stopping) throw new Error("the proxy is shutting down");
    const listeners = this.#open(plan);
    const before = this.#all();
    const added = [...listeners.values()]
      .filter((listener) => !before.includes(listener));
    const back = [...this.#leaving]
      .filter((listener) => listeners.get(listener.key) === listener);
    // From here on they don't close behind our back.
    for (const listener of back) listener.serve(gone);
    return {
      commit: () => this.#commit(plan, listeners),
      cancel() {
        for (const listener of added) listener.abort();
        for (const listener of back) listener.leave(gone);
      },
    };
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
    let timer;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, shutdownTimeout);
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
    for (const { bridges } of this.#all()) bridges.abort();
    this.#close();
    await this.#options.accessLog.flush();
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
  #open(plan: Plan): Map<string, Listener> {
    const listeners = new Map<string, Listener>();
    const added: Listener[] = [];
    try {
      for (const listenerPlan of plan.listeners) {
        const key = addressKey(listenerPlan.address);
        let listener = this.#find(key);
        if (listener === undefined) {
          listener = new Listener(listenerPlan, this.#options);
          added.push(listener);
        }
        listeners.set(key, listener);
      }
    } catch (error) {
      for (const listener of added) listener.abort();
      throw this.#overlaps(error) ?? error;
    }
    return listeners;
  }

  /** `0.0.0.0:9000` can't be opened in place of `127.0.0.1:9000` while that is open. */
  #overlaps(error: unknown): ListenError | null {
    if (!(error instanceof ListenError) || error.kind !== "in use") return null;
    const port = portOf(error.address);
    const own = this.#all().some(({ key }) => portOf(key) === port);
    return own ? new ListenError(error.address, "own", { cause: error }) : null;
  }

  #find(key: string): Listener | undefined {
    return this.#listeners.get(key) ??
      [...this.#leaving].find((one) => one.key === key && !one.closing);
  }

  #commit(plan: Plan, listeners: Map<string, Listener>): Changes {
    const before = this.#listeners;
    const { groups } = this.#shared;
    const next = this.#groups(plan, groups);
    const shared: Shared = { ...this.#shared, groups: next, dev: plan.dev };
    this.#plan = plan;
    this.#listeners = listeners;
    this.#shared = shared;
    const quiet: Promise<void>[] = [];
    for (const [listener, handler] of this.#handlers(plan, shared)) {
      quiet.push(listener.serve(handler));
    }
    for (const listener of listeners.values()) this.#leaving.delete(listener);
    const removed: string[] = [];
    for (const [key, listener] of before) {
      if (listeners.has(key)) continue;
      removed.push(listener.written);
      this.#leaving.add(listener);
      quiet.push(listener.leave(gone));
      listener.ended.then(() => this.#leaving.delete(listener));
    }
    this.#retire(groups, next, quiet);
    return {
      added: [...listeners].filter(([key]) => !before.has(key))
        .map(([, { written }]) => written),
      removed,
      notes: [],
    };
  }

  #handlers(plan: Plan, shared: Shared): [Listener, Handler][] {
    return plan.listeners.map((listenerPlan: ListenerPlan) => {
      const listener = this.#listeners.get(addressKey(listenerPlan.address));
      if (listener === undefined) throw new Error("no listener for a plan's");
      const state = { ...shared, bridges: listener.bridges };
      return [listener, createHandler(listenerPlan, listener.place, state)];
    });
  }

  /**
   * Closes groups when the requests that were given to them are answered: until
   * then they may be tried again. In the order of the reloads, since a group may
   * outlive several.
   */
  #retire(
    groups: UpstreamGroups,
    next: UpstreamGroups,
    quiet: Promise<void>[],
  ): void {
    const pair = { groups, next };
    this.#retired.push(pair);
    const before = this.#retiring;
    this.#retiring = Promise.all([before, ...quiet]).then(() => {
      const at = this.#retired.indexOf(pair);
      if (at === -1) return;
      this.#retired.splice(at, 1);
      groups.close(next);
    });
  }

  #close(): void {
    this.#shared.deadlines.close();
    for (const { groups, next } of this.#retired.splice(0)) groups.close(next);
    this.#shared.groups.close();
    Promise.all(this.#all().map((listener) => listener.ended))
      .then(() => this.#finished.resolve());
  }
}

/** The digits at the end of an address. */
function portOf(address: string): string | undefined {
  return /\d+$/.exec(address)?.[0];
}

/** For an address that the config has no more, as long as WebSockets are open on it. */
function gone(): Response {
  return new Response("503 Service Unavailable: not served here any more.\n", {
    status: 503,
    headers: { "connection": "close" },
  });
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
