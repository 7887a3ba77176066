/**
 * `sameorigin health`: whether the proxy that the config describes answers.
 *
 * @module
 */
import type { ListenAddress, Plan } from "../config/plan.ts";
import { FAILURE, OK } from "./exit_code.ts";
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
  try {
    const status = await ask(address);
    terminal.print(`alive: ${name} answers (${status})\n`);
    return OK;
  } catch (error) {
    failure(terminal, `not alive: ${name} ${why(error)}`);
    return FAILURE;
  }
}

/** The status line's code. */
async function ask(address: ListenAddress): Promise<string> {
  const late = Promise.withResolvers<never>();
  const connecting = connect(address);
  const timer = setTimeout(() => late.reject(new NoAnswer()), PATIENCE);
  try {
    const connection = await Promise.race([connecting, late.promise]);
    const request = "TRACE / HTTP/1.1\r\nHost: localhost\r\n" +
      "User-Agent: sameorigin-health\r\nConnection: close\r\n\r\n";
    await Promise.race([
      connection.write(new TextEncoder().encode(request)),
      late.promise,
    ]);
    return await Promise.race([readStatus(connection), late.promise]);
  } finally {
    clearTimeout(timer);
    connecting.then((connection) => connection.close(), () => {});
  }
}

class NoAnswer extends Error {}

class NotHttp extends Error {}

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

function connect(address: ListenAddress): Promise<Deno.Conn> {
  if (address.transport === "unix") {
    return Deno.connect({ transport: "unix", path: address.path });
  }
  const { hostname, port } = reachable(address);
  return Deno.connect({ hostname, port });
}

/** One can't connect to "every address", but to this machine's own. */
function reachable(
  address: ListenAddress & { transport: "tcp" },
): { hostname: string; port: number } {
  const { port } = address;
  switch (address.hostname) {
    case "0.0.0.0":
    case "":
      return { hostname: "127.0.0.1", port };
    case "::":
    case "[::]":
      return { hostname: "::1", port };
    default:
      return { hostname: address.hostname.replace(/^\[|\]$/g, ""), port };
  }
}

function nameOf(address: ListenAddress): string {
  if (address.transport === "unix") return `unix:${address.path}`;
  const { hostname, port } = reachable(address);
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

function why(error: unknown): string {
  if (error instanceof NoAnswer) {
    return `gave no answer in ${PATIENCE / 1000} s`;
  }
  if (error instanceof NotHttp) return "does not speak HTTP";
  if (error instanceof Deno.errors.ConnectionRefused) {
    return "refuses the connection: nothing listens there";
  }
  return `can't be reached: ${
    error instanceof Error ? error.message : String(error)
  }`;
}
