/**
 * `sameorigin run`: the proxy, from its start to its end.
 *
 * @module
 */
import { type AccessLog, createAccessLog } from "../observe/access_log.ts";
import { type RunningServer, startServer } from "../server/serve.ts";
import { FAILURE, KILLED_BY, OK } from "./exit_code.ts";
import type { ConfigReader, LoadedConfig } from "./load_plan.ts";
import { Reloader } from "./reloader.ts";
import { onSignals } from "./signals.ts";
import { startupBlock } from "./startup_block.ts";
import { failure, type Terminal } from "./terminal.ts";
import { FileWatch } from "./watch.ts";

/** The longest wait at the end for a reader of the access log, in milliseconds. */
const FLUSH_PATIENCE = 1_000;

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
  const lines = createAccessLog(plan.logFormat, writeOutput);
  const accessLog = impatient(lines);
  const control = (proof: string) => reloader.control(proof);
  const server = startServer(plan, { accessLog, errorLog, control });
  let current = plan;
  const reloader = new Reloader(reader, loaded, ({ plan }) => {
    const changes = server.reload(plan);
    lines.setFormat(plan.logFormat);
    current = plan;
    return Promise.resolve(changes);
  }, terminal);
  // Listens to signals from here on: whoever reads the block may send one.
  const end = ended(server, () => current.shutdownTimeout, reloader, terminal);
  using _watch = watch ? watched(reader, reloader, errorLog) : undefined;
  const { noteStyle } = terminal;
  terminal.note(startupBlock(plan, from, server.addresses, noteStyle));
  const code = await end;
  await accessLog.flush();
  return code;
}

function watched(
  { path }: ConfigReader,
  reloader: Reloader,
  errorLog: (line: string) => void,
): FileWatch | undefined {
  if (path === null) return undefined;
  const changed = () => reloader.reloadIfChanged("changed");
  return new FileWatch(path, changed, errorLog);
}

/** Resolves with the exit code when the proxy has ended. */
function ended(
  server: RunningServer,
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
          server.abort();
          resolve(KILLED_BY[signal] ?? FAILURE);
          return;
        }
        stopping = true;
        terminal.note(
          `${signal}: waiting for what is in flight, for at most ` +
            `${shutdownTimeout() / 1000} s (a second one stops at once)\n`,
        );
        server.shutdown().then(() => resolve(OK), reject);
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
    server.finished.then(() => {
      if (stopping) return;
      failure(terminal, "the listeners have ended by themselves");
      resolve(FAILURE);
    }, reject);
  });
}

/** A bug in one request, or a rejection nobody waits for, must not end the process. */
function surviveBugs(errorLog: (line: string) => void): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    errorLog(`internal error: ${describe(event.reason)}`);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    errorLog(`internal error: ${describe(event.error)}`);
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

async function writeOutput(bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}

/** The same log, but a reader that has stopped reading does not keep the process from ending. */
function impatient(log: AccessLog): AccessLog {
  return {
    request: (entry) => log.request(entry),
    webSocketOpened: (context) => log.webSocketOpened(context),
    webSocketClosed: (entry) => log.webSocketClosed(entry),
    async flush() {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FLUSH_PATIENCE);
      });
      await Promise.race([log.flush(), patience]);
      clearTimeout(timer);
    },
  };
}
