/**
 * What the process tells whoever started it.
 *
 * @module
 */

/** Done, or shut down as asked. */
export const OK = 0;

/** It could not be done: a port that is taken, a proxy that is not there, a bug. */
export const FAILURE = 1;

/** The command line or the config is wrong: starting again will not help. */
export const USAGE = 2;

/** Ended at once by a second signal, as a shell says it: 128 and its number. */
export const KILLED_BY: Readonly<Record<string, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGBREAK: 149,
  SIGTERM: 143,
};
