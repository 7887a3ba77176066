/**
 * Which config is used, and reading it.
 *
 * @module
 */

/** A config's text and where it is from. */
export interface ConfigFile {
  readonly text: string;
  /** For messages: the path as it was given, `standard input`, `built-in config.yaml`. */
  readonly name: string;
  /** Whether it is the one that came with the program. */
  readonly builtIn: boolean;
}

/** There is no config, or it can't be read. */
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

/** The file that is looked for in the working directory. */
export const DEFAULT_NAME = "config.yaml";

/** The file beside `main.ts`; `deno compile` puts it into the executable. */
const BUILT_IN = new URL("../../config.yaml", import.meta.url);

/**
 * Reads the config: the one named on the command line, else `config.yaml` in
 * the working directory, else the one built in.
 *
 * @param path From `--config`; `-` is standard input.
 * @throws {ConfigFileError} if the named one is not there, or can't be read.
 */
export async function readConfigFile(
  path: string | undefined,
): Promise<ConfigFile> {
  if (path === "-") {
    const bytes = await new Response(Deno.stdin.readable).bytes();
    const name = "standard input";
    return { text: decode(bytes, name), name, builtIn: false };
  }
  if (path !== undefined) return await readNamed(path);
  try {
    return await readNamed(DEFAULT_NAME);
  } catch (error) {
    const missing = error instanceof ConfigFileError &&
      error.cause instanceof Deno.errors.NotFound;
    if (!missing) throw error;
  }
  const name = `built-in ${DEFAULT_NAME}`;
  const text = decode(await Deno.readFile(BUILT_IN), name);
  return { text, name, builtIn: true };
}

async function readNamed(path: string): Promise<ConfigFile> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return { text: decode(bytes, path), name: path, builtIn: false };
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
      `${path} may not be read`,
      "Check who owns it and its mode.",
      { cause },
    );
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ConfigFileError(
    `${path} can't be read: ${why}`,
    "Name another with: sameorigin -c FILE",
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
