/**
 * The signals that end the proxy.
 *
 * @module
 */

/** Windows knows no SIGTERM; there it is Ctrl+C and Ctrl+Break. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

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
  const listeners = STOP_SIGNALS.map((signal) => {
    const listener = () => stop(signal, ++count);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}
