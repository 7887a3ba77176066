/**
 * Which config the command line means, reading it, and its plan.
 *
 * @module
 */
import {
  type ConfigSource,
  type LoadedConfig,
  planOfSource,
} from "../config/config_source.ts";
import { quote } from "../config/words.ts";
import { resolve } from "node:path";
import { type Options, UsageError } from "./arguments.ts";

/** The file that is looked for in the working directory. */
export const DEFAULT_NAME = "config.yaml";

/** A plan's `source` where the locations come from `--to`. */
export const NO_FILE = "--to";

/** The file beside `main.ts`; `deno compile` puts it into the executable. */
const BUILT_IN = new URL("../../config.yaml", import.meta.url);

/** The config is missing or can't be read. */
export class ConfigFileError extends Error {
  override readonly name = "ConfigFileError";
  constructor(
    /** What is wrong, in one line. */
    message: string,
    /** What to do about it, in one line. */
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A config and the file that it was read from. */
export interface ReadConfig {
  readonly config: ConfigSource;
  /** Null for a config that is in no file. */
  readonly file: FileFacts | null;
}

interface FileFacts {
  /** Without links, if that is known. */
  readonly path: string;
  /** When its content was last changed. */
  readonly modified: Date | null;
}

/**
 * Reads the config that the command line means: the locations of `--to`, the
 * file of `--config`, else `config.yaml` in the working directory, else the
 * built-in config. Reads it again at each reload.
 */
export class ConfigReader {
  readonly #options: Options;
  /** The file that was read first: later reads are of the same. */
  #found: string | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The config file's path, existing or not; null if there is none to reload. */
  get path(): string | null {
    const { to, config } = this.#options;
    if (to.length > 0 || config === "-") return null;
    return config ?? DEFAULT_NAME;
  }

  /**
   * The config as it is now. The built-in config never replaces a file that was
   * read before.
   *
   * @throws {UsageError} for an invalid `--to`.
   * @throws {ConfigFileError} for a file that can't be read.
   */
  async read(): Promise<ReadConfig> {
    const { listen, admin, logFormat, to, config } = this.#options;
    const { certificate } = this.#options;
    const overrides = {
      listen,
      admin,
      logFormat,
      certificate: certificate === undefined ? undefined : resolve(certificate),
      // The option can only turn it on.
      dev: this.#options.dev ? true : undefined,
    };
    if (to.length > 0) {
      const document = { locations: locationsOf(to) };
      const files = new Map();
      const source = { content: { document }, name: NO_FILE, overrides, files };
      return { config: source, file: null };
    }
    const { text, name, file } = await this.#readText(this.#found ?? config);
    const files = new Map();
    return { config: { content: { text }, name, overrides, files }, file };
  }

  /**
   * The config as it is now, and its plan.
   *
   * @throws What {@linkcode read} throws.
   * @throws {ConfigError} for a config with problems.
   */
  async load(): Promise<LoadedConfig> {
    return planned((await this.read()).config);
  }

  /**
   * @param path As of `--config`.
   * @returns The text, and the name of its origin for messages.
   */
  async #readText(
    path: string | undefined,
  ): Promise<{ text: string; name: string; file: FileFacts | null }> {
    if (path === "-") {
      const name = "standard input";
      const bytes = await new Response(Deno.stdin.readable).bytes();
      return { text: decode(bytes, name), name, file: null };
    }
    const name = path ?? DEFAULT_NAME;
    try {
      const { bytes, file } = await readFile(name);
      const text = decode(bytes, name);
      this.#found = name;
      return { text, name, file };
    } catch (error) {
      if (error instanceof ConfigFileError) throw error;
      const missing = error instanceof Deno.errors.NotFound;
      if (path !== undefined || !missing) throw unreadable(name, error);
    }
    const builtIn = `built-in ${DEFAULT_NAME}`;
    const text = decode(await Deno.readFile(BUILT_IN), builtIn);
    return { text, name: builtIn, file: null };
  }
}

/** @throws {Error} of the system. */
async function readFile(
  path: string,
): Promise<{ bytes: Uint8Array; file: FileFacts }> {
  const real = await Deno.realPath(path).catch(() => resolve(path));
  // Date and content are of one file, even if another replaces it now.
  using opened = await Deno.open(path);
  const { mtime } = await opened.stat();
  const bytes = await new Response(opened.readable).bytes();
  return { bytes, file: { path: real, modified: mtime } };
}

/**
 * The plan of a config, with this process's environment.
 *
 * @throws {ConfigError} for a config with problems.
 */
export function planned(config: ConfigSource): LoadedConfig {
  return { config, plan: planOfSource(config, (name) => Deno.env.get(name)) };
}

/** The `locations` that the values of `--to` mean: `PREFIX=ADDRESS` each. */
function locationsOf(to: readonly string[]): Record<string, string> {
  const locations: Record<string, string> = {};
  for (const pair of to) {
    const [, prefix = "", address = ""] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
    if (!prefix.startsWith("/") || address === "") {
      throw new UsageError(
        `--to ${quote(pair)} is not PREFIX=ADDRESS`,
        /^(https?:\/\/)?[\w.-]+:\d+$/.test(pair)
          ? `Did you mean --to /=${pair}?`
          : "Write it as: --to /api=localhost:8000",
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
        `--to has the prefix ${quote(prefix)} twice`,
        "Several addresses for one prefix need a config with an upstream.",
      );
    }
    locations[prefix] = /^https?:\/\//i.test(address)
      ? address
      : `http://${address}`;
  }
  return locations;
}

function unreadable(path: string, cause: unknown): ConfigFileError {
  if (
    cause instanceof Deno.errors.NotFound ||
    cause instanceof Deno.errors.NotADirectory
  ) {
    return new ConfigFileError(
      `there is no file ${path}`,
      "Start one with: sameorigin init",
      { cause },
    );
  }
  if (cause instanceof Deno.errors.IsADirectory) {
    return new ConfigFileError(
      `${path} is a directory`,
      `Name the file in it: ${path.replace(/[/\\]+$/, "")}/${DEFAULT_NAME}`,
      { cause },
    );
  }
  if (
    cause instanceof Deno.errors.PermissionDenied ||
    cause instanceof Deno.errors.NotCapable
  ) {
    return new ConfigFileError(
      `no permission to read ${path}`,
      "Check its owner and its mode.",
      { cause },
    );
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ConfigFileError(
    `${path} can't be read: ${why}`,
    "Name another file with: sameorigin -c FILE",
    { cause },
  );
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigFileError(
      `${name} is not UTF-8 text`,
      "Save it as UTF-8.",
      { cause },
    );
  }
}
