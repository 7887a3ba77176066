/**
 * `sameorigin reload`: asks the running proxy to reload its config.
 *
 * @module
 */
import { ConfigError } from "../config/config_error.ts";
import type { ListenAddress } from "../config/plan.ts";
import { PROOF_HEADER, RELOAD } from "../request/control.ts";
import { type Options, UsageError } from "./arguments.ts";
import { printProblems } from "./check.ts";
import { ConfigReader } from "./config_reader.ts";
import { FAILURE, OK, USAGE } from "./exit_code.ts";
import {
  ask,
  InvalidResponse,
  listenOption,
  nameOf,
  type SmallResponse,
  whyNot,
} from "./local_client.ts";
import {
  configProof,
  parseOutcome,
  type ReloadOutcome,
  UNCHANGED,
} from "./reload_protocol.ts";
import { failure, type Terminal } from "./terminal.ts";

/** Milliseconds that the proxy has for a reload. */
const RELOAD_TIMEOUT = 15_000;

/** A file that changes after the first proof was made needs a second proof. */
const TRIES = 2;

const HINT = "If listen has changed, name the address that the proxy still " +
  "has: sameorigin reload --listen ADDRESS. Or send it SIGHUP.\n";

/**
 * Asks the proxy, and prints the outcome.
 *
 * @throws {UsageError} without a file.
 * @throws {ConfigFileError} if the file can't be read.
 */
export async function reload(
  options: Options,
  terminal: Terminal,
): Promise<number> {
  const reader = new ConfigReader(options);
  const { path } = reader;
  if (path === null) {
    throw new UsageError(
      "reload needs the file that the proxy reads",
      "Name it with: sameorigin reload -c FILE",
    );
  }
  let address: ListenAddress;
  try {
    address = await addressOf(options.listen, reader);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    printProblems(error, terminal);
    failure(terminal, UNCHANGED);
    return USAGE;
  }
  let outcome: ReloadOutcome | null;
  try {
    outcome = await request(address, path);
  } catch (error) {
    const why = whyNot(error, RELOAD_TIMEOUT);
    failure(terminal, `not reloaded: ${nameOf(address)} ${why}`);
    terminal.note(HINT);
    return FAILURE;
  }
  if (outcome !== null) return printOutcome(outcome, terminal);
  failure(
    terminal,
    `not reloaded: ${
      nameOf(address)
    } is not a sameorigin that runs with ${path}`,
  );
  terminal.note(HINT);
  return FAILURE;
}

/**
 * @throws {UsageError}
 * @throws {ConfigError}
 * @throws {ConfigFileError}
 */
async function addressOf(
  listen: string | undefined,
  reader: ConfigReader,
): Promise<ListenAddress> {
  if (listen !== undefined) return listenOption(listen);
  const { listeners: [first] } = (await reader.load()).plan;
  if (first !== undefined) return first.address;
  throw new UsageError("the config has no listener", "Use --listen.");
}

/**
 * @returns Null if the proof is not accepted.
 * @throws What {@linkcode ask} throws.
 */
async function request(
  address: ListenAddress,
  path: string,
): Promise<ReloadOutcome | null> {
  for (let left = TRIES; left > 0; left--) {
    const head = [
      `${RELOAD} / HTTP/1.1`,
      `${PROOF_HEADER}: ${await configProof(path)}`,
    ];
    const response = await ask(address, head, RELOAD_TIMEOUT);
    if (isJson(response)) {
      const outcome = parseOutcome(response.body);
      if (outcome !== null) return outcome;
      throw new InvalidResponse(
        "answers with JSON that this version of sameorigin does not know",
      );
    }
  }
  return null;
}

/** Whether the response can be the one to a reload: all others are pages. */
function isJson({ status, headers }: SmallResponse): boolean {
  return status === 200 && headers.get("content-type") === "application/json";
}

function printOutcome(outcome: ReloadOutcome, terminal: Terminal): number {
  switch (outcome.kind) {
    case "done":
      terminal.print(`${outcome.message}\n`);
      return OK;
    case "problems":
      printProblems(new ConfigError(outcome.problems), terminal);
      failure(terminal, UNCHANGED);
      return USAGE;
    case "unreadable":
      failure(terminal, outcome.message);
      failure(terminal, UNCHANGED);
      return USAGE;
    case "failed":
      failure(terminal, outcome.message);
      failure(terminal, UNCHANGED);
      return FAILURE;
  }
}
