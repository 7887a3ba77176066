/**
 * The signals that the proxy listens to.
 *
 * @module
 */

/** Windows knows no SIGTERM; there it is Ctrl+C and Ctrl+Break. */
const WINDOWS = Deno.build.os === "windows";
const STOP_SIGNALS: readonly Deno.Signal[] = WINDOWS
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/** What is done at signals. */
export interface SignalActions {
  /**
   * At each signal that asks the process to end.
   *
   * @param count 1 at the first, of whichever kind.
   */
  stop(signal: Deno.Signal, count: number): void;
  /** At SIGHUP, unless it says that the terminal is gone, which is a stop. */
  reload(): void;
  /** At SIGUSR1, by which other servers are told to open their logs anew. */
  reopenLogs(): void;
}

/**
 * Listens to signals.
 *
 * @returns Gives them back to the system.
 */
export function onSignals(actions: SignalActions): () => void {
  const attended = onTerminal();
  let count = 0;
  const stop = (signal: Deno.Signal) => actions.stop(signal, ++count);
  const hangUp = () => {
    // The window was closed: the kernel takes the terminal away first.
    if (attended && !onTerminal()) stop("SIGHUP");
    else actions.reload();
  };
  const listeners: [Deno.Signal, () => void][] = STOP_SIGNALS
    .map((signal) => [signal, () => stop(signal)]);
  if (!WINDOWS) {
    listeners.push(["SIGHUP", hangUp]);
    listeners.push(["SIGUSR1", () => actions.reopenLogs()]);
  }
  for (const listener of listeners) Deno.addSignalListener(...listener);
  return () => {
    for (const listener of listeners) Deno.removeSignalListener(...listener);
  };
}

/** False, too, for a terminal that is no more. */
function onTerminal(): boolean {
  return Deno.stdin.isTerminal() || Deno.stderr.isTerminal();
}
