/**
 * `sameorigin health`: whether the proxy that the config describes answers.
 *
 * @module
 */
import type { Plan } from "../config/plan.ts";
import { FAILURE, OK } from "./exit_code.ts";
import { ask, nameOf, NotHttp, whyNot } from "./local_client.ts";
import { failure, type Terminal } from "./terminal.ts";

/** The longest wait for an answer, in milliseconds. */
const PATIENCE = 3_000;

/**
 * Asks the first listener of the plan. Anything that is HTTP means alive.
 *
 * The question is one that the proxy answers by itself: asked about `/` it
 * would ask an upstream, and one that is slow would make the proxy look dead.
 */
export async function health(plan: Plan, terminal: Terminal): Promise<number> {
  const address = plan.listeners[0]?.address;
  if (address === undefined) {
    failure(terminal, "the config listens nowhere");
    return FAILURE;
  }
  const name = nameOf(address);
  const head = ["TRACE / HTTP/1.1", "User-Agent: sameorigin-health"];
  try {
    const status = await ask(address, head, readStatus, PATIENCE);
    terminal.print(`alive: ${name} answers (${status})\n`);
    return OK;
  } catch (error) {
    failure(terminal, `not alive: ${name} ${whyNot(error, PATIENCE)}`);
    return FAILURE;
  }
}

/** `HTTP/1.1 405`: twelve bytes are enough. */
async function readStatus(connection: Deno.Conn): Promise<string> {
  let head = "";
  const chunk = new Uint8Array(64);
  while (head.length < 12) {
    const count = await connection.read(chunk);
    if (count === null) throw new NotHttp();
    head += String.fromCharCode(...chunk.subarray(0, count));
  }
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new NotHttp();
  return status;
}
