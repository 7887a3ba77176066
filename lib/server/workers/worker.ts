/**
 * The thread of a worker: it builds its own plan from the config's text and
 * serves. `worker_pool.ts` starts it; no module imports it.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { planOfSource } from "../../config/config_source.ts";
import type { Plan } from "../../config/plan.ts";
import {
  createAccessLog,
  type FormattedLog,
} from "../../observe/access_log.ts";
import { logPlatformMessages } from "../../observe/platform_messages.ts";
import { logUncaughtErrors } from "../../observe/uncaught_errors.ts";
import {
  CallChannel,
  type MainCalls,
  type WorkerCalls,
  type WorkerConfig,
} from "./call_channel.ts";
import {
  type Changes,
  type ListenedAddress,
  type PreparedReload,
  type RunningServer,
  startServer,
} from "../server.ts";

/** This worker's part of the proxy. */
class WorkerServer implements WorkerCalls {
  readonly #main: () => CallChannel<MainCalls>;
  #running: { server: RunningServer; accessLog: FormattedLog } | null = null;
  #prepared: { reload: PreparedReload; plan: Plan } | null = null;

  constructor(main: () => CallChannel<MainCalls>) {
    this.#main = main;
  }

  readonly start = (config: WorkerConfig): readonly ListenedAddress[] => {
    const plan = planFor(config);
    const accessLog = createAccessLog(
      plan.logFormat,
      (bytes) => this.#main().call("writeLog", bytes),
    );
    const server = startServer(plan, {
      accessLog,
      errorLog: (line) => void this.#main().call("logError", line),
      control: (proof) => this.#main().call("control", proof),
      shared: true,
      ports: config.ports,
      generation: config.generation,
    });
    this.#running = { server, accessLog };
    return server.addresses;
  };

  readonly prepare = (config: WorkerConfig): readonly ListenedAddress[] => {
    const plan = planFor(config);
    const reload = this.#started().server.prepareReload(plan, config);
    this.#prepared = { reload, plan };
    return reload.addresses;
  };

  readonly commit = (): Changes => {
    if (this.#prepared === null) throw new Error("no config was prepared");
    const { reload, plan } = this.#prepared;
    this.#prepared = null;
    this.#started().accessLog.setFormat(plan.logFormat);
    return reload.commit();
  };

  readonly cancel = (): void => {
    this.#prepared?.reload.cancel();
    this.#prepared = null;
  };

  readonly snapshot = (watching: boolean) =>
    this.#started().server.snapshot(watching);

  readonly find = (id: string, at: number | null) =>
    this.#started().server.recordings.find(id, at);

  readonly replay = (id: string, at: number) =>
    this.#started().server.recordings.replay(id, at);

  readonly shutdown = (): Promise<void> => this.#started().server.shutdown();

  #started() {
    if (this.#running === null) throw new Error("the worker has not started");
    return this.#running;
  }
}

/** Throws no `ConfigError`: the main thread has built the same plan before. */
function planFor({ config, unix }: WorkerConfig): Plan {
  const plan = planOfSource(config, (name) => Deno.env.get(name));
  const listeners = plan.listeners
    .filter(({ address }) => unix || address.transport !== "unix");
  return { ...plan, listeners };
}

if (parentPort !== null) {
  const server: WorkerServer = new WorkerServer(() => main);
  const main: CallChannel<MainCalls> = new CallChannel(parentPort, server);
  const errorLog = (line: string) => void main.call("logError", line);
  logUncaughtErrors(errorLog);
  logPlatformMessages(errorLog);
}
