/**
 * `sameorigin run`: the proxy, from its start to its end.
 *
 * @module
 */
import type { LoadedConfig } from "../config/config_source.ts";
import { surviveBugs } from "../observe/uncaught_errors.ts";
import type { RunningProxy } from "../server/running_proxy.ts";
import { startProxy } from "../server/start.ts";
import { FAILURE, KILLED_BY, OK } from "./exit_code.ts";
import type { ConfigReader } from "./load_plan.ts";
import { Reloader } from "./reloader.ts";
import { onSignals } from "./signals.ts";
import { startupBlock } from "./startup_block.ts";
import { failure, type Terminal } from "./terminal.ts";

/** What is run. */
export interface RunOptions {
  readonly loaded: LoadedConfig;
  /** Reads it again. */
  readonly reader: ConfigReader;
  /** Where it is from, for the block at the start. */
  readonly from: string;
  /** Whether it is read again when its file changes. */
  readonly watch: boolean;
}

/**
 * Runs until a signal ends it.
 *
 * @throws {ListenError} if an address can't be had.
 */
export async function run(
  { loaded, reader, from, watch }: RunOptions,
  terminal: Terminal,
): Promise<number> {
  const { plan } = loaded;
  const errorLog = (line: string) => failure(terminal, line);
  surviveBugs(errorLog);
  const control = (proof: string) => reloader.control(proof);
  const options = { writeLog: writeOutput, errorLog, control };
  const proxy = await startProxy(loaded, options);
  let { shutdownTimeout } = plan;
  const reloader = new Reloader(reader, loaded, async (next) => {
    const changes = await proxy.reload(next);
    ({ shutdownTimeout } = next.plan);
    return changes;
  }, terminal);
  // Listens to signals from here on: whoever reads the block may send one.
  const end = ended(proxy, () => shutdownTimeout, reloader, terminal);
  using _watch = watch ? await watched(reader, reloader, errorLog) : undefined;
  const { noteStyle } = terminal;
  terminal.note(startupBlock(plan, from, proxy.addresses, noteStyle));
  return await end;
}

async function watched(
  { path }: ConfigReader,
  reloader: Reloader,
  errorLog: (line: string) => void,
): Promise<Disposable | undefined> {
  if (path === null) return undefined;
  // What only this needs is not loaded at every start.
  const { FileWatch } = await import("./watch.ts");
  const changed = () => reloader.reloadIfChanged("changed");
  return new FileWatch(path, changed, errorLog);
}

/** Resolves with the exit code when the proxy has ended. */
function ended(
  proxy: RunningProxy,
  shutdownTimeout: () => number,
  reloader: Reloader,
  terminal: Terminal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    onSignals({
      stop(signal, count) {
        if (count > 1) {
          terminal.note(`${signal} again: stopping at once\n`);
          const code = KILLED_BY[signal] ?? FAILURE;
          proxy.abort().then(() => resolve(code), reject);
          return;
        }
        stopping = true;
        terminal.note(
          `${signal}: waiting for what is in flight, for at most ` +
            `${shutdownTimeout() / 1000} s (a second one stops at once)\n`,
        );
        proxy.shutdown().then(() => resolve(OK), reject);
      },
      reload() {
        if (!stopping) reloader.reload("SIGHUP");
      },
      reopenLogs() {
        terminal.note(
          "SIGUSR1: the logs are standard output and standard error; there is " +
            "no file to be opened anew\n",
        );
      },
    });
    proxy.finished.then(() => {
      if (stopping) return;
      failure(terminal, "the listeners have ended by themselves");
      resolve(FAILURE);
    }, reject);
  });
}

async function writeOutput(bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}
