/**
 * What `deno` is told whenever it runs the proxy: as the executable, from the
 * source, in a test or a measurement.
 *
 * @module
 */

/** To follow `run` or `compile`, before the module. `deno.json`'s `start` has the same. */
export const PROXY_FLAGS: readonly string[] = [
  "--allow-net",
  "--allow-read",
  "--allow-env",
  // A missing permission is an error at once: nobody sits at the terminal.
  "--no-prompt",
  // V8 puts at once among the old what it has seen grow old: the arrays of
  // requests that come in a burst while the code is cold. A request's strings
  // then stay until a full collection, which costs a quarter of its CPU where
  // it has 20 headers.
  "--v8-flags=--no-allocation-site-pretenuring",
];
