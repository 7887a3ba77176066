/**
 * The running proxy: its start, its reloads and its end.
 *
 * @module
 */
import { listenKey } from "../config/address.ts";
import type { ListenerPlan, Plan } from "../config/plan.ts";
import { Loops } from "../content/proxy/loops.ts";
import { Folders } from "../content/static/folders.ts";
import { Deadlines } from "../exchange/deadline.ts";
import { within } from "../exchange/timeout.ts";
import { Generation } from "../observe/metrics/generation.ts";
import type { Metrics, ThreadSnapshot } from "../observe/metrics/metrics.ts";
import { UpstreamGroups } from "../upstream/groups.ts";
import { createHandler, type ServerState } from "../request/handler.ts";
import { AccessStore } from "../access/store.ts";
import { ListenError, ownIfOverlapping } from "./listen_address.ts";
import type { Handler, Listener } from "./listener.ts";
import { gone } from "./draining.ts";
import { forgetForwardProxies } from "./forward_proxies.ts";
import { Measuring } from "./measuring.ts";
import { flushLog } from "./log_flush.ts";
import { openListeners } from "./open_listeners.ts";
import { ReplacedListeners } from "./replaced_listeners.ts";
import { ThreadRecordings } from "./replay.ts";
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
  /** Those whose certificate a reload has replaced. */
  readonly #replaced = new ReplacedListeners();
  #measuring: Measuring | null;
  /** Of configs before, by which something still runs. */
  #old: Generation[] = [];
  #stopping = false;
  readonly recordings: ThreadRecordings;

  constructor(plan: Plan, options: ServerOptions) {
    this.finished = this.#finished.promise;
    this.#options = options;
    this.recordings = new ThreadRecordings({
      recorder: () => this.#measuring?.metrics.recorder ?? null,
      listeners: () => this.#all(),
      errorLog: options.errorLog,
    });
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
      loops: new Loops(),
      deadlines,
      access: new AccessStore(options.errorLog),
      accessLog: options.accessLog,
      errorLog: options.errorLog,
      dev: plan.dev,
    };
    for (const one of plan.listeners) this.#serve(one, this.#listeners);
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

  snapshot(watching = false): ThreadSnapshot | null {
    const { groups, generation } = this.#shared;
    this.#old = this.#old.filter(({ idle }) => !idle);
    return this.#measuring?.snapshot({
      watching,
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
    return [...this.#listeners.values(), ...this.#leaving, ...this.#replaced];
  }

  /** @throws {ListenError} if one can't be had; none is open then but those before. */
  #open(
    plan: Plan,
    ports?: ReadonlyMap<string, number>,
  ): Map<string, Listener> {
    const options = { ...this.#options, ports: ports ?? new Map() };
    try {
      return openListeners(plan.listeners, options, (key) => this.#find(key));
    } catch (error) {
      throw ownIfOverlapping(error, this.#all());
    }
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
    shared.access.retain(plan);
    for (const listener of listeners.values()) this.#leaving.delete(listener);
    for (const listener of this.#replaced) listener.update(gone);
    const notes = plan.listeners.flatMap((one) => this.#serve(one, before));
    groups.release();
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
      notes,
    };
  }

  /**
   * Gives an address its handler; also those of its listeners that have a former
   * certificate.
   *
   * @returns What is to be known of it.
   */
  #serve(plan: ListenerPlan, before: ReadonlyMap<string, Listener>): string[] {
    const key = listenKey(plan.address);
    const listener = this.#listeners.get(key);
    if (listener === undefined) throw new Error("no listener for a plan's");
    listener.serve(this.#handler(plan, listener));
    const { certificate, written } = plan;
    if (certificate === null) return [];
    for (const former of this.#replaced) {
      if (former.key === key) former.update(this.#handler(plan, former));
    }
    const notes: string[] = [];
    for (const former of [before.get(key), ...this.#leaving]) {
      if (former === undefined || former === listener) continue;
      if (former.key !== key || former.closing) continue;
      this.#leaving.delete(former);
      const handler = this.#handler(plan, former);
      this.#replaced.add(
        former,
        handler,
        certificate,
        this.#plan.websocketDrain,
      );
      notes.push(`new certificate on ${written}`);
    }
    if (listener.certificate?.chain !== certificate.chain) {
      notes.push(`the new certificate of ${written} needs a restart`);
    }
    return notes;
  }

  #handler(plan: ListenerPlan, listener: Listener): Handler {
    const { bridges, inFlight, place } = listener;
    return createHandler(plan, place, { ...this.#shared, bridges, inFlight });
  }

  #close(): void {
    this.#replaced.stop();
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
