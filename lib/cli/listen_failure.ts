/**
 * An address that can't be listened on: why, and what to do about it.
 *
 * @module
 */
import type { ListenAddress, Plan } from "../config/plan.ts";
import type { ListenError } from "../server/server.ts";

/**
 * In words, in one line.
 *
 * @param hasFile Whether there is a config file that could be changed.
 */
export function listenFailure(
  error: ListenError,
  plan: Plan,
  hasFile: boolean,
): string {
  const address = plan.listeners
    .find((listener) => listener.written === error.address)?.address;
  if (address === undefined || address.transport === "unix") {
    return `cannot listen on ${error.address}: ${reason(error)}`;
  }
  const { hostname, port } = address;
  const other = (port: number) => {
    const option = `--listen ${sameHost(address, port)}`;
    return hasFile ? `${option}, or with listen: in the config` : option;
  };
  switch (error.kind) {
    case "in use":
      return `port ${port} is in use on ${hostname}: choose another with ` +
        other(port < 65535 ? port + 1 : 9000);
    case "own":
      return `cannot listen on ${error.address} while this proxy has port ` +
        `${port} on another address: that change needs a restart`;
    case "permission":
      return `not allowed to listen on port ${port} of ${hostname}: ` +
        (port < 1024
          ? "ports below 1024 are for root; choose another with " + other(9000)
          : reason(error));
    case "unavailable":
      return `cannot listen on ${error.address}: ${reason(error)}; is ` +
        `${hostname} an address of this machine? Choose another with ` +
        (hasFile ? "--listen, or with listen: in the config" : "--listen");
  }
}

/** `9001`, or with the host where one was written. */
function sameHost(
  { hostname }: ListenAddress & { transport: "tcp" },
  port: number,
): string {
  if (hostname === "0.0.0.0") return String(port);
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `"[${hostname}]:${port}"`
    : `${hostname}:${port}`;
}

function reason(error: ListenError): string {
  return error.cause instanceof Error ? error.cause.message : error.kind;
}
