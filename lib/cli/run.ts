/**
 * `sameorigin run`: starts the proxy and runs it until a signal ends it.
 *
 * @module
 */
import type { LoadedConfig } from "../config/config_source.ts";
import type { Plan } from "../config/plan.ts";
import { type LogFormat, logLine } from "../observe/access_line.ts";
import { LogOutput } from "../observe/log_output.ts";
import { logPlatformMessages } from "../observe/platform_messages.ts";
import { logUncaughtErrors } from "../observe/uncaught_errors.ts";
import { ListenError } from "../server/listen_address.ts";
import type { RunningProxy } from "../server/running.ts";
import { startProxy } from "../server/start.ts";
import { Admin } from "./admin.ts";
import { printWarnings } from "./check.ts";
import { ConfigStatus } from "./config_status.ts";
import type { ConfigReader } from "./config_reader.ts";
import { FAILURE, KILLED_BY, OK } from "./exit_code.ts";
import { IssuedCertificates, withPlaceholders } from "./issued_certificates.ts";
import { missingFolders } from "./missing_folders.ts";
import { Reloader } from "./reloader.ts";
import { onSignals } from "./signals.ts";
import { startupBlock } from "./startup_messages.ts";
import { failure, type Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

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
 * @throws {ConfigError} if there is no place for the certificates of `acme`.
 */
export async function run(
  { loaded: written, reader, from, watch }: RunOptions,
  terminal: Terminal,
): Promise<number> {
  const loaded = await withPlaceholders(written);
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
  const status = new ConfigStatus(loaded);
  const reloader = new Reloader(reader, status, async (next) => {
    const prepared = await admin.prepare(next.plan);
    try {
      const changes = await proxy.reload(next);
      prepared.commit();
      ({ plan } = next);
      issued.update(plan.acme);
      warn(plan, terminal);
      return changes;
    } catch (error) {
      prepared.cancel();
      throw error;
    }
  }, terminal);
  await using issued = new IssuedCertificates(
    () => reloader.reloadFiles("certificate"),
    errorLog,
  );
  const ending = { isStopping: false };
  await using admin = new Admin({
    proxy,
    config: async () => ({
      loaded: status.loaded,
      facts: await status.facts(),
    }),
    reload: () => reloader.reload("admin"),
    isStopping: () => ending.isStopping,
    version: VERSION,
    errorLog,
  });
  await openAdmin(admin, plan, proxy, errorLog);
  // Before the message: its reader may send a signal.
  const end = ended(
    proxy,
    () => plan.shutdownTimeout,
    reloader,
    ending,
    terminal,
  );
  await using _watch = watch
    ? await watched(reader, reloader, errorLog)
    : undefined;
  const { noteStyle } = terminal;
  warn(plan, terminal);
  const { addresses } = proxy;
  terminal.note(startupBlock(plan, from, addresses, noteStyle, admin.url));
  await issued.update(plan.acme);
  return await end;
}

/** Of the config, and of the folders and certificates that it names. */
function warn(plan: Plan, terminal: Terminal): void {
  const { warnings, certificateDoubts } = plan;
  printWarnings(
    [...warnings, ...missingFolders(plan), ...certificateDoubts],
    terminal,
  );
}

/**
 * Opens the admin listener. For a developer the proxy goes on without it.
 *
 * @throws {ListenError} If its address can't be had.
 */
async function openAdmin(
  admin: Admin,
  plan: Plan,
  proxy: RunningProxy,
  errorLog: (line: string) => void,
): Promise<void> {
  try {
    (await admin.prepare(plan)).commit();
  } catch (error) {
    if (!plan.dev || !(error instanceof ListenError)) {
      await proxy.abort();
      throw error;
    }
    errorLog(`${error.message}: running without (see --admin)`);
  }
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
    others: () => reloader.files,
    warn: errorLog,
  });
}

/** Resolves with the exit code when the proxy has ended. */
function ended(
  proxy: RunningProxy,
  shutdownTimeout: () => number,
  reloader: Reloader,
  ending: { isStopping: boolean },
  terminal: Terminal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    onSignals({
      stop(signal, count) {
        if (count > 1) {
          terminal.note(`${signal} again: stopping at once\n`);
          const code = KILLED_BY[signal] ?? FAILURE;
          proxy.abort().then(() => resolve(code), reject);
          return;
        }
        ending.isStopping = true;
        terminal.note(
          `${signal}: waiting for requests in flight, for at most ` +
            `${shutdownTimeout() / 1000} s (a second signal stops at once)\n`,
        );
        proxy.shutdown().then(() => resolve(OK), reject);
      },
      reload() {
        if (!ending.isStopping) reloader.reload("SIGHUP");
      },
      reopenLogs() {
        terminal.note(
          "SIGUSR1: the logs are standard output and standard error; there is " +
            "no file to reopen\n",
        );
      },
    });
    proxy.finished.then(() => {
      if (ending.isStopping) return;
      failure(terminal, "all listeners have closed unexpectedly");
      resolve(FAILURE);
    }, reject);
  });
}
