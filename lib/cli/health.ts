/**
 * `sameorigin health`: whether the proxy answers.
 *
 * @module
 */
import { readListen } from "../config/directives/listen.ts";
import { ConfigError } from "../config/config_error.ts";
import { substituteText } from "../config/environment.ts";
import type { ListenAddress } from "../config/plan.ts";
import { parseYaml } from "../config/yaml_text.ts";
import type { Options } from "./arguments.ts";
import { ConfigFileError, ConfigReader, planned } from "./config_reader.ts";
import { FAILURE, OK } from "./exit_code.ts";
import { ask, listenOption, nameOf, whyNot } from "./local_client.ts";
import { failure, type Terminal } from "./terminal.ts";

/** Milliseconds that the proxy has for an answer. */
const HEALTH_TIMEOUT = 3_000;

/** The address to ask. */
interface Target {
  readonly address: ListenAddress;
  /** Where the address is from, if that is not a valid config. */
  readonly assumption: string | null;
}

/**
 * Asks the running proxy. Any response in HTTP means that it is alive.
 *
 * The proxy itself answers the request, with 405: for `/` it would ask an
 * upstream, and a slow one would make the proxy look dead.
 *
 * A config that can't be used does not make a running proxy unhealthy: the file
 * may have been broken since its start. It is read only to find the address,
 * and with `--listen` not at all.
 *
 * @throws {UsageError} for an invalid `--listen` or `--to`.
 */
export async function health(
  options: Options,
  terminal: Terminal,
): Promise<number> {
  const { address, assumption } = await targetOf(options);
  const name = nameOf(address);
  const head = ["TRACE / HTTP/1.1", "User-Agent: sameorigin-health"];
  let code = OK;
  try {
    const { status } = await ask(address, head, HEALTH_TIMEOUT);
    terminal.print(`alive: ${name} answers (${status})\n`);
  } catch (error) {
    failure(terminal, `not alive: ${name} ${whyNot(error, HEALTH_TIMEOUT)}`);
    code = FAILURE;
  }
  if (assumption !== null) terminal.note(`${assumption}\n`);
  return code;
}

async function targetOf(options: Options): Promise<Target> {
  if (options.listen !== undefined) {
    return { address: listenOption(options.listen), assumption: null };
  }
  const reader = new ConfigReader(options);
  let text = "";
  let why: string;
  try {
    const { config } = await reader.read();
    if ("text" in config.content) ({ text } = config.content);
    try {
      const address = planned(config).plan.listeners[0]?.address;
      if (address !== undefined) return { address, assumption: null };
      why = `${config.name} has no listener`;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      why = `${config.name} has problems (sameorigin check shows them)`;
    }
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    why = error.message;
  }
  const address = listenIn(text);
  return address === null
    ? {
      address: readListen(DEFAULT_LISTEN).address,
      assumption: `${why}: the default listen, ${DEFAULT_LISTEN}, was assumed`,
    }
    : { address, assumption: `${why}: only its listen was read` };
}

/** The value of `listen` in a config without one. */
const DEFAULT_LISTEN = 9000;

/** The first `listen` in a text that is not a valid config; null if none is readable. */
function listenIn(text: string): ListenAddress | null {
  const config = parsed(text) ?? parsed(LISTEN_LINES.exec(text)?.[0] ?? "");
  const [server] = asList(field(config, "servers"));
  const [first] = asList(field(server, "listen") ?? field(config, "listen"));
  const listen = field(first, "address") ?? first;
  try {
    if (typeof listen === "number") return readListen(listen).address;
    if (typeof listen !== "string") return null;
    const text = substituteText(listen, (name) => Deno.env.get(name));
    return readListen(text).address;
  } catch {
    return null;
  }
}

/** `listen` at the top of a config with a syntax error, and the lines of its list. */
const LISTEN_LINES = /^listen[ \t]*:.*(?:\n(?:[ \t]|-).*)*/m;

/** The document in a text, undefined for one with a syntax error. */
function parsed(text: string): unknown {
  try {
    return parseYaml(text, "");
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return new Map(Object.entries(value)).get(name);
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}
