/**
 * `sameorigin reload`: lets the proxy that runs with a config read it again.
 *
 * @module
 */
import { parseListen } from "../config/address.ts";
import { ConfigError } from "../config/config_error.ts";
import type { ListenAddress } from "../config/plan.ts";
import { ValueError } from "../config/words.ts";
import { PROOF_HEADER, RELOAD } from "../server/control.ts";
import { type Options, UsageError } from "./arguments.ts";
import { printProblems } from "./check.ts";
import { configProof } from "./config_proof.ts";
import { FAILURE, OK, USAGE } from "./exit_code.ts";
import { ConfigReader } from "./load_plan.ts";
import { ask, nameOf, whyNot } from "./local_client.ts";
import { type ReloadOutcome, UNCHANGED } from "./reloader.ts";
import { failure, type Terminal } from "./terminal.ts";

/** The longest wait for the answer, in milliseconds. */
const PATIENCE = 15_000;

/** A proof may be outdated by the time it arrives. */
const TRIES = 2;

/**
 * Asks, and prints what the proxy says.
 *
 * @throws {UsageError} without a file.
 * @throws {ConfigFileError} if it can't be read.
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
    const why = whyNot(error, PATIENCE);
    failure(terminal, `not reloaded: ${nameOf(address)} ${why}`);
    terminal.note(HINT);
    return FAILURE;
  }
  if (outcome !== null) return tell(outcome, terminal);
  failure(
    terminal,
    `not reloaded: ${nameOf(address)} is no sameorigin that runs with ${path}`,
  );
  terminal.note(HINT);
  return FAILURE;
}

const HINT = "If listen has been changed, name the address the proxy still " +
  "has: sameorigin reload --listen ADDRESS. Or send it SIGHUP.\n";

/**
 * @throws {ConfigError}
 * @throws {ConfigFileError}
 */
async function addressOf(
  listen: string | undefined,
  reader: ConfigReader,
): Promise<ListenAddress> {
  if (listen === undefined) {
    const { listeners: [first] } = (await reader.load()).plan;
    if (first !== undefined) return first.address;
    throw new UsageError("the config listens nowhere", "Use --listen.");
  }
  try {
    return parseListen(listen);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new UsageError(`--listen: ${error.message}`, "Or leave it away.");
  }
}

/** @returns Null if whoever answers does not take the proof. */
async function request(
  address: ListenAddress,
  path: string,
): Promise<ReloadOutcome | null> {
  for (let left = TRIES; left > 0; left--) {
    const head = [
      `${RELOAD} / HTTP/1.1`,
      `${PROOF_HEADER}: ${await configProof(path)}`,
    ];
    const outcome = outcomeIn(await ask(address, head, readAll, PATIENCE));
    if (outcome !== null) return outcome;
  }
  return null;
}

async function readAll(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(4096);
  let text = "";
  for (;;) {
    const count = await connection.read(chunk);
    if (count === null) return text;
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
}

/** Null for an answer that is none of ours. */
function outcomeIn(answer: string): ReloadOutcome | null {
  if (!answer.startsWith("HTTP/1.1 200 ")) return null;
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  try {
    const value: unknown = JSON.parse(body);
    const ours = typeof value === "object" && value !== null &&
      "kind" in value;
    // Only who has the file can have taken the proof.
    return ours ? value as ReloadOutcome : null;
  } catch {
    return null;
  }
}

function tell(outcome: ReloadOutcome, terminal: Terminal): number {
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
