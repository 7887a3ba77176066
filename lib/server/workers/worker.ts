/**
 * The thread of a worker: it builds its own plan from the config's text and
 * serves. `workers.ts` starts it; nothing imports it.
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
import { impatient } from "../../observe/impatient_log.ts";
import { surviveBugs } from "../../observe/uncaught_errors.ts";
import { CallChannel } from "./call_channel.ts";
import {
  type Changes,
  type ListenedAddress,
  type PreparedReload,
  type RunningServer,
  startServer,
} from "../server.ts";
import type { MainCalls, WorkerCalls, WorkerConfig } from "./worker_calls.ts";

/** This worker's part of the proxy. */
class WorkerServer implements WorkerCalls {
  readonly #main: () => CallChannel<MainCalls>;
  #running: { server: RunningServer; lines: FormattedLog } | null = null;
  #prepared: { reload: PreparedReload; plan: Plan } | null = null;

  constructor(main: () => CallChannel<MainCalls>) {
    this.#main = main;
  }

  readonly start = (config: WorkerConfig): readonly ListenedAddress[] => {
    const plan = planFor(config);
    const lines = createAccessLog(
      plan.logFormat,
      (bytes) => this.#main().call("writeLog", bytes),
    );
    const server = startServer(plan, {
      accessLog: impatient(lines),
      errorLog: (line) => void this.#main().call("logError", line),
      control: (proof) => this.#main().call("control", proof),
      shared: true,
      ports: config.ports,
    });
    this.#running = { server, lines };
    return server.addresses;
  };

  readonly prepare = (config: WorkerConfig): readonly ListenedAddress[] => {
    const plan = planFor(config);
    const reload = this.#started().server.prepareReload(plan, config.ports);
    this.#prepared = { reload, plan };
    return reload.addresses;
  };

  readonly commit = (): Changes => {
    if (this.#prepared === null) throw new Error("nothing was prepared");
    const { reload, plan } = this.#prepared;
    this.#prepared = null;
    this.#started().lines.setFormat(plan.logFormat);
    return reload.commit();
  };

  readonly cancel = (): void => {
    this.#prepared?.reload.cancel();
    this.#prepared = null;
  };

  readonly shutdown = (): Promise<void> => this.#started().server.shutdown();

  #started() {
    if (this.#running === null) throw new Error("not started yet");
    return this.#running;
  }
}

/** @throws {ConfigError} never, since the main thread has tried it. */
function planFor({ config, unix }: WorkerConfig): Plan {
  const plan = planOfSource(config, (name) => Deno.env.get(name));
  const listeners = plan.listeners
    .filter(({ address }) => unix || address.transport !== "unix");
  return { ...plan, listeners };
}

if (parentPort !== null) {
  const server: WorkerServer = new WorkerServer(() => main);
  const main: CallChannel<MainCalls> = new CallChannel(parentPort, server);
  surviveBugs((line) => void main.call("logError", line));
}
