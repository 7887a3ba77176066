/**
 * What `deno` is told when it runs the proxy, or compiles it.
 *
 * @module
 */

/** To follow `run` or `compile`, before the module. `deno.json`'s `start` has the same. */
export const PROXY_FLAGS: readonly string[] = [
  "--allow-net",
  "--allow-read",
  // The state_dir of a config without one; nothing is written without acme.
  "--allow-write=/var/lib/sameorigin",
  "--allow-env",
  // How much memory there is, so that messages that wait for slow upstreams take
  // no more than a share of it.
  "--allow-sys=systemMemoryInfo",
  // A missing permission is an error at once: nobody sits at the terminal.
  "--no-prompt",
];

/**
 * For what serves for long, so for the executable. Where a burst of requests
 * meets a young heap and cold code, as after a restart under load, nearly all
 * that V8 finds at its first collections belongs to requests in flight. It
 * concludes that a request's arrays grow old, and from then on makes them old at
 * birth, with all strings that they lead to: until the end of the process those
 * wait for a full collection, a seventh of the CPU of a request with 20 headers.
 *
 * From source it is left out: it costs 17 ms at each start, since Deno 2.9.6 can't
 * use all of the compiled code that it keeps, which V8 ties to its flags.
 */
export const V8_FLAGS = "--v8-flags=--no-allocation-site-pretenuring";

/**
 * Unstable features of `deno.json` that an executable does not have, though
 * they are baked in: Deno 2.9.6 always starts it without. The proxy must be
 * right either way.
 */
export const NOT_IN_EXECUTABLES: readonly string[] = ["no-legacy-abort"];
