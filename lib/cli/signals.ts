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
 * Listens to the signals that the proxy knows.
 *
 * @returns Gives them back to the system.
 */
export function onSignals(actions: SignalActions): () => void {
  const attended = onTerminal();
  let count = 0;
  const stop = (signal: Deno.Signal) => actions.stop(signal, ++count);
  const release = [onStopSignal(stop)];
  if (!WINDOWS) {
    release.push(
      on("SIGHUP", () => {
        // The window was closed: the kernel takes the terminal away first.
        if (attended && !onTerminal()) stop("SIGHUP");
        else actions.reload();
      }),
      on("SIGUSR1", () => actions.reopenLogs()),
    );
  }
  return () => release.forEach((remove) => remove());
}

/**
 * Calls `stop` at each signal that asks the process to end.
 *
 * @param stop `count` is 1 at the first signal, of whichever kind.
 * @returns Gives the signals back to the system.
 */
export function onStopSignal(
  stop: (signal: Deno.Signal, count: number) => void,
): () => void {
  let count = 0;
  const release = STOP_SIGNALS
    .map((signal) => on(signal, () => stop(signal, ++count)));
  return () => release.forEach((remove) => remove());
}

function on(signal: Deno.Signal, listener: () => void): () => void {
  Deno.addSignalListener(signal, listener);
  return () => Deno.removeSignalListener(signal, listener);
}

/** False, too, for a terminal that is no more. */
function onTerminal(): boolean {
  return Deno.stdin.isTerminal() || Deno.stderr.isTerminal();
}
