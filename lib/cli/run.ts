/**
 * `sameorigin run`: starts the proxy and runs it until a signal ends it.
 *
 * @module
 */
import type { LoadedConfig } from "../config/config_source.ts";
import { type LogFormat, logLine } from "../observe/access_line.ts";
import { LogOutput } from "../observe/log_output.ts";
import { logPlatformMessages } from "../observe/platform_messages.ts";
import { logUncaughtErrors } from "../observe/uncaught_errors.ts";
import type { RunningProxy } from "../server/running.ts";
import { startProxy } from "../server/start.ts";
import { printWarnings } from "./check.ts";
import type { ConfigReader } from "./config_reader.ts";
import { FAILURE, KILLED_BY, OK } from "./exit_code.ts";
import { Reloader } from "./reloader.ts";
import { onSignals } from "./signals.ts";
import { startupBlock } from "./startup_messages.ts";
import { failure, type Terminal } from "./terminal.ts";

interface RunOptions {
  readonly loaded: LoadedConfig;
  /** Reads the config for a reload. */
  readonly reader: ConfigReader;
  /** The config's origin, for the message at the start. */
  readonly from: string;
  /** Whether a change of the file is a reload. */
  readonly watch: boolean;
}

/**
 * Runs until a signal ends it.
 *
 * @throws {ListenError} if an address can't be listened on.
 */
export async function run(
  { loaded, reader, from, watch }: RunOptions,
  terminal: Terminal,
): Promise<number> {
  let { plan } = loaded;
  const errorLog = (line: string) => failure(terminal, line);
  const output = logOutputs(terminal, () => plan.logFormat);
  logUncaughtErrors(errorLog);
  logPlatformMessages(errorLog);
  const proxy = await startProxy(loaded, {
    writeLog: (lines) => output.write(lines),
    errorLog,
    control: (proof) => reloader.control(proof),
  });
  const reloader = new Reloader(reader, loaded, async (next) => {
    const changes = await proxy.reload(next);
    ({ plan } = next);
    printWarnings(plan.warnings, terminal);
    return changes;
  }, terminal);
  // Before the message: its reader may send a signal.
  const end = ended(proxy, () => plan.shutdownTimeout, reloader, terminal);
  await using _watch = watch
    ? await watched(reader, reloader, errorLog)
    : undefined;
  const { noteStyle } = terminal;
  printWarnings(plan.warnings, terminal);
  terminal.note(startupBlock(plan, from, proxy.addresses, noteStyle));
  return await end;
}

/**
 * Makes both logs asynchronous. A failure of one is written to the other.
 *
 * @returns The access log's output.
 */
function logOutputs(terminal: Terminal, format: () => LogFormat): LogOutput {
  terminal.queueNotes((why, ended) => {
    const message = ended
      ? "error messages have ended: nobody reads standard error any more"
      : `cannot write to standard error: ${why}; trying again`;
    const event = { event: "message", time: new Date(), message } as const;
    const line = new TextEncoder().encode(logLine(format(), event));
    // If that fails too, there is no place left.
    output.write(line).catch(() => {});
  });
  const output: LogOutput = new LogOutput(Deno.stdout, (why, ended) => {
    failure(
      terminal,
      ended
        ? "the access log has ended: nobody reads standard output any more"
        : `cannot write the access log: ${why}; trying again`,
    );
  });
  return output;
}

async function watched(
  { path }: ConfigReader,
  reloader: Reloader,
  errorLog: (line: string) => void,
): Promise<AsyncDisposable | undefined> {
  if (path === null) return undefined;
  // Loaded only where it is needed, for a faster start.
  const { FileWatch } = await import("./watch.ts");
  return await FileWatch.start(path, {
    changed: () => reloader.reloadIfChanged("changed"),
    warn: errorLog,
  });
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
          `${signal}: waiting for requests in flight, for at most ` +
            `${shutdownTimeout() / 1000} s (a second signal stops at once)\n`,
        );
        proxy.shutdown().then(() => resolve(OK), reject);
      },
      reload() {
        if (!stopping) reloader.reload("SIGHUP");
      },
      reopenLogs() {
        terminal.note(
          "SIGUSR1: the logs are standard output and standard error; there is " +
            "no file to reopen\n",
        );
      },
    });
    proxy.finished.then(() => {
      if (stopping) return;
      failure(terminal, "all listeners have closed unexpectedly");
      resolve(FAILURE);
    }, reject);
  });
}
