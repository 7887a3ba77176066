/**
 * The exit codes of the process.
 *
 * @module
 */

/** Success, or a shutdown by one signal. */
export const OK = 0;

/** A failure: a port in use, no proxy running, a bug. */
export const FAILURE = 1;

/** A mistake in the command line or the config: a restart does not help. */
export const USAGE = 2;

/** Ended by a second signal, with a shell's code for it: 128 and its number. */
export const KILLED_BY: Readonly<Record<string, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGBREAK: 149,
  SIGTERM: 143,
};
