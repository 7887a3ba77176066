/**
 * The certificates of the running proxy that an authority issues. What that takes
 * is loaded only where there are any, for a faster start.
 *
 * @module
 */
import type { Renewals } from "../acme/renewals.ts";
import { ConfigError } from "../config/config_error.ts";
import type { LoadedConfig } from "../config/config_source.ts";
import type { AcmePlan } from "../config/plan.ts";
import { planned } from "./config_reader.ts";

/**
 * A config whose certificates are all there: placeholders for those that are to be
 * issued yet.
 *
 * @throws {ConfigError} if they can't be kept.
 */
export async function withPlaceholders(
  loaded: LoadedConfig,
): Promise<LoadedConfig> {
  const { config, plan } = loaded;
  if (plan.acme.length === 0) return loaded;
  const { putPlaceholders, StateError } = await import(
    "../acme/placeholder.ts"
  );
  try {
    if (!await putPlaceholders(plan.acme)) return loaded;
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    const { message } = error;
    throw new ConfigError([{ file: plan.source, path: "state_dir", message }]);
  }
  return planned({ ...config, files: new Map() });
}

export class IssuedCertificates implements AsyncDisposable {
  readonly #changed: () => Promise<void>;
  readonly #report: (line: string) => void;
  #renewals: Promise<Renewals> | null = null;

  /**
   * @param changed Puts in effect what is in the files.
   * @param report Takes one line for the error log.
   */
  constructor(changed: () => Promise<void>, report: (line: string) => void) {
    this.#changed = changed;
    this.#report = report;
  }

  /** Takes care of these, and of no others any more. */
  async update(plans: readonly AcmePlan[]): Promise<void> {
    if (plans.length === 0 && this.#renewals === null) return;
    this.#renewals ??= this.#start();
    (await this.#renewals).update(plans);
  }

  async #start(): Promise<Renewals> {
    const { Renewals } = await import("../acme/renewals.ts");
    return new Renewals({ changed: this.#changed, report: this.#report });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#renewals)?.[Symbol.asyncDispose]();
  }
}
