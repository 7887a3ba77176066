/**
 * From the command line to the plan: of a config file, or of `--to`.
 *
 * @module
 */
import {
  type ConfigSource,
  type LoadedConfig,
  planOfSource,
} from "../config/config_source.ts";
import type { Plan } from "../config/plan.ts";
import { quote } from "../config/words.ts";
import { type Options, UsageError } from "./arguments.ts";
import { DEFAULT_NAME, readConfigFile } from "./config_file.ts";

/** A plan's `source` where there is no file. */
export const NO_FILE = "--to";

/** Reads the config that the options mean, and again when it has changed. */
export class ConfigReader {
  readonly #options: Options;
  /** The file that was read, and is read from then on. */
  #found: string | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The file, or where one would be; null if there is none to be read again. */
  get path(): string | null {
    const { to, config } = this.#options;
    if (to.length > 0 || config === "-") return null;
    return config ?? DEFAULT_NAME;
  }

  /**
   * The config as it is now. Where a file was read before, the built-in config
   * does not take its place.
   *
   * @throws {UsageError} for a `--to` that can't be read.
   * @throws {ConfigFileError} for a file that can't be read.
   */
  async read(): Promise<ConfigSource> {
    const { listen, logFormat, dev, to, config } = this.#options;
    // The option only turns it on.
    const overrides = { listen, logFormat, dev: dev ? true : undefined };
    if (to.length > 0) {
      const document = { locations: locationsOf(to) };
      return { content: { document }, name: NO_FILE, overrides };
    }
    const { text, name, builtIn } = await readConfigFile(this.#found ?? config);
    if (!builtIn && config !== "-") this.#found = name;
    return { content: { text }, name, overrides };
  }

  /**
   * The config as it is now, and its plan.
   *
   * @throws What {@linkcode read} throws.
   * @throws {ConfigError} for a config with problems.
   */
  async load(): Promise<LoadedConfig> {
    return planned(await this.read());
  }
}

/**
 * The plan of a config, with this process's environment.
 *
 * @throws {ConfigError} for a config with problems.
 */
export function planned(config: ConfigSource): LoadedConfig {
  return { config, plan: planOfSource(config, (name) => Deno.env.get(name)) };
}

/**
 * The plan that the options mean.
 *
 * @throws What {@linkcode ConfigReader.load} throws.
 */
export async function planOf(options: Options): Promise<Plan> {
  return (await new ConfigReader(options).load()).plan;
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
