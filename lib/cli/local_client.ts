/**
 * Talking to the proxy that runs on this machine.
 *
 * @module
 */
import type { ListenAddress } from "../config/plan.ts";

/** It gave no answer in time. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** What answers is something else. */
export class NotHttp extends Error {
  override readonly name = "NotHttp";
}

/**
 * Sends one request on a connection of its own.
 *
 * @param head Its lines, without those that end it.
 * @param read Takes the answer from the connection.
 * @param patience Milliseconds to wait for all of it.
 * @throws {NoAnswer} if that was too long.
 */
export async function ask<T>(
  address: ListenAddress,
  head: readonly string[],
  read: (connection: Deno.Conn) => Promise<T>,
  patience: number,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const connecting = connect(address);
  const timer = setTimeout(() => late.reject(new NoAnswer()), patience);
  try {
    const connection = await Promise.race([connecting, late.promise]);
    const lines = [...head, "Host: localhost", "Connection: close", "", ""];
    await Promise.race([
      connection.write(new TextEncoder().encode(lines.join("\r\n"))),
      late.promise,
    ]);
    return await Promise.race([read(connection), late.promise]);
  } finally {
    clearTimeout(timer);
    connecting.then((connection) => connection.close(), () => {});
  }
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

/** The address that is asked, in words. */
export function nameOf(address: ListenAddress): string {
  if (address.transport === "unix") return `unix:${address.path}`;
  const { hostname, port } = reachable(address);
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

/** Why {@linkcode ask} failed, to be put after the address. */
export function whyNot(error: unknown, patience: number): string {
  if (error instanceof NoAnswer) {
    return `gave no answer in ${patience / 1000} s`;
  }
  if (error instanceof NotHttp) return "does not speak HTTP";
  if (error instanceof Deno.errors.ConnectionRefused) {
    return "refuses the connection: nothing listens there";
  }
  return `can't be reached: ${
    error instanceof Error ? error.message : String(error)
  }`;
}
