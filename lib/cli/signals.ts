/**
 * The signals that the proxy handles.
 *
 * @module
 */

/** Windows has no SIGTERM, but Ctrl+C and Ctrl+Break. */
const WINDOWS = Deno.build.os === "windows";
const STOP_SIGNALS: readonly Deno.Signal[] = WINDOWS
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/** The handlers. */
interface SignalActions {
  /**
   * At each signal that ends the process.
   *
   * @param count 1 at the first signal, whichever it is.
   */
  stop(signal: Deno.Signal, count: number): void;
  /** At SIGHUP. One that means a closed terminal is a `stop`. */
  reload(): void;
  /** At SIGUSR1, which makes other servers reopen their log files. */
  reopenLogs(): void;
}

/**
 * Handles the signals of the proxy.
 *
 * @returns Removes the handlers.
 */
export function onSignals(actions: SignalActions): () => void {
  const attended = onTerminal();
  let count = 0;
  const stop = (signal: Deno.Signal) => actions.stop(signal, ++count);
  const release = [onStopSignal(stop)];
  if (!WINDOWS) {
    release.push(
      on("SIGHUP", () => {
        // The window was closed: the kernel has hung up the terminal before.
        if (attended && !onTerminal()) stop("SIGHUP");
        else actions.reload();
      }),
      on("SIGUSR1", () => actions.reopenLogs()),
    );
  }
  return () => release.forEach((remove) => remove());
}

/**
 * Calls `stop` at each signal that ends the process.
 *
 * @param stop `count` is 1 at the first signal, whichever it is.
 * @returns Removes the handlers.
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

/** Whether the process has a terminal; not one that was closed. */
function onTerminal(): boolean {
  return Deno.stdin.isTerminal() || Deno.stderr.isTerminal();
}
