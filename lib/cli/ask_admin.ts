/**
 * Asking the admin listener of the running proxy, as the config names it.
 *
 * @module
 */
import type { AdminPlan, Plan } from "../config/plan.ts";
import { ask, nameOf, whyNot } from "./local_client.ts";
import { failure, type Terminal } from "./terminal.ts";

/** Milliseconds that the proxy has for an answer. */
const TIMEOUT = 3_000;

/** It does not tell; the message says why. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** The admin of a config; null, and a word about it, where it has none. */
export function adminOf(
  { admin, source }: Pick<Plan, "admin" | "source">,
  terminal: Terminal,
): AdminPlan | null {
  if (admin === null) {
    failure(terminal, `${source} has no admin: the proxy can't be asked`);
    terminal.note("Start it with --admin 9001, and name that here as well.\n");
  }
  return admin;
}

/**
 * What it answers, from JSON.
 *
 * @param path Its target.
 * @param member What an answer of it has: another program may have taken the port.
 * @throws {NoAnswer} for anything but a 200 with that; for a 404 that gives a
 * reason, with that.
 */
export async function askAdmin(
  { address, token }: AdminPlan,
  path: string,
  member: string,
): Promise<unknown> {
  const name = nameOf(address);
  const head = [`GET ${path} HTTP/1.1`, "Accept: application/json"];
  if (token !== null) head.push(`Authorization: Bearer ${token}`);
  const answer = await ask(address, head, TIMEOUT).catch((error) => {
    throw new NoAnswer(`${name} ${whyNot(error, TIMEOUT)}`);
  });
  if (answer.status === 401) {
    throw new NoAnswer(`${name} wants another token than that of the config`);
  }
  const fields = fieldsOf(answer.body);
  if (answer.status === 404 && typeof fields["why"] === "string") {
    throw new NoAnswer(`${name}: ${fields["why"]}`);
  }
  if (answer.status !== 200 || !(member in fields)) {
    throw new NoAnswer(
      `${name} is no admin listener of this version (${answer.status})`,
    );
  }
  return fields;
}

/** The members of an object in JSON; none of anything else. */
function fieldsOf(json: Uint8Array): Record<string, unknown> {
  try {
    const value = JSON.parse(new TextDecoder().decode(json));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
