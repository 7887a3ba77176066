/**
 * A thread that checks passwords which are slow to check: so no request waits for
 * those of others. `password_thread.ts` starts it; no module imports it.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { matchesSlowly } from "./slow_schemes.ts";

/** A password to check; byte strings. */
export interface Question {
  readonly id: number;
  readonly password: string;
  readonly stored: string;
}

/** Whether it is the one that is stored; null where that could not be found out. */
export interface Answer {
  readonly id: number;
  readonly matches: boolean | null;
}

self.onmessage = ({ data }: MessageEvent<Question>) => {
  const { id, password, stored } = data;
  let matches: boolean | null;
  try {
    matches = matchesSlowly(password, stored);
  } catch {
    matches = null;
  }
  self.postMessage({ id, matches } satisfies Answer);
};
