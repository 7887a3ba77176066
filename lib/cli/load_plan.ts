/**
 * From the command line to the plan: of a config file, or of `--to`.
 *
 * @module
 */
import { loadPlan, planFromObject } from "../config/load.ts";
import type { Plan } from "../config/plan.ts";
import { quote } from "../config/words.ts";
import { type Options, UsageError } from "./arguments.ts";
import { readConfigFile } from "./config_file.ts";

/** A plan's `source` where there is no file. */
export const NO_FILE = "--to";

/**
 * Reads the config that the options mean.
 *
 * @throws {UsageError} for a `--to` that can't be read.
 * @throws {ConfigFileError} for a file that can't be read.
 * @throws {ConfigError} for a config with problems.
 */
export async function planOf(options: Options): Promise<Plan> {
  const { listen, logFormat } = options;
  const overrides = {
    listen,
    logFormat,
    // The option only turns it on.
    dev: options.dev ? true : undefined,
  };
  const env = (name: string) => Deno.env.get(name);
  if (options.to.length > 0) {
    const document = { locations: locationsOf(options.to) };
    // What is typed on a command line is meant as it stands.
    const asTyped = () => undefined;
    return planFromObject(document, {
      source: NO_FILE,
      env: asTyped,
      overrides,
    });
  }
  const file = await readConfigFile(options.config);
  return loadPlan(file.text, { source: file.name, env, overrides });
}

/** The `locations` of `--to PREFIX=ADDRESS`, each. */
export function locationsOf(to: readonly string[]): Record<string, string> {
  const locations: Record<string, string> = {};
  for (const pair of to) {
    const [, prefix = "", address = ""] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
    if (!prefix.startsWith("/") || address === "") {
      throw new UsageError(
        `--to ${quote(pair)} is not PREFIX=ADDRESS`,
        "Write it as: --to /api=localhost:8000",
      );
    }
    if (/^\d+$/.test(address)) {
      throw new UsageError(
        `--to ${quote(pair)} has a port but no host`,
        `Did you mean --to ${prefix}=localhost:${address}?`,
      );
    }
    if (Object.hasOwn(locations, prefix)) {
      throw new UsageError(
        `--to names the prefix ${quote(prefix)} twice`,
        "One prefix goes to one address; an upstream of several is for a config.",
      );
    }
    locations[prefix] = /^https?:\/\//i.test(address)
      ? address
      : `http://${address}`;
  }
  return locations;
}
