/**
 * A real browser.
 *
 * @module
 */
import { type Browser, chromium } from "playwright-core";
import { findProgram } from "./skip.ts";

/** The programs of which a test that drives a browser needs one. */
export const CHROMIUM = "chromium|google-chrome";

/** Chromium as root and without a network of its own. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Starts a browser; disposing ends it.
 *
 * @param home Its home directory, in whose `.pki/nssdb` is whom it trusts besides.
 * @param flags More of the command line.
 */
export function launchBrowser(
  home?: string,
  flags: readonly string[] = [],
): Promise<Browser> {
  return chromium.launch({
    executablePath: findProgram(CHROMIUM)!,
    args: [...FLAGS, ...flags],
    ...home === undefined
      ? {}
      : { env: { ...Deno.env.toObject(), HOME: home } },
  });
}
