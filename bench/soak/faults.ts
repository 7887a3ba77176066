/**
 * What is done to the proxy meanwhile: servers that fail, and reloads.
 *
 * @module
 */
import type { ProxyProcess } from "../proxy_process.ts";
import type { Crowd } from "./crowd.ts";
import { BODY_LIMIT } from "./clients.ts";
import type { Fault } from "./gate.ts";
import type { SoakServer } from "./server.ts";

const FAULTS: readonly (Fault | "500")[] = ["refused", "hung", "reset", "500"];

/** Milliseconds of a fault, and between two. */
const FAULT = 2_500;
const REST = 2_500;

/**
 * Lets one server after the other fail, in one way after the other, until the
 * clients leave.
 *
 * @returns How many faults there were.
 */
export async function failInTurn(
  crowd: Crowd,
  servers: readonly SoakServer[],
  ended: () => boolean,
): Promise<number> {
  for (let i = 0;; i++) {
    await crowd.pause(REST);
    if (ended()) return i;
    const server = servers[i % servers.length]!;
    // Not in step with the servers: there are three.
    const fault = FAULTS[i % FAULTS.length]!;
    if (fault === "500") server.broken = true;
    else server.gate.fail(fault);
    await crowd.pause(FAULT);
    if (fault === "500") server.broken = false;
    else server.gate.mend();
  }
}

/** The config of the proxy after so many reloads; null for a broken one. */
export function configOf(
  reloads: number,
  group: readonly SoakServer[],
  steady: SoakServer,
): string | null {
  const variant = reloads % 4;
  if (variant === 2) return null;
  const servers = group.map(({ gate }, i) => {
    const weight = variant === 1 && i === 0 ? 2 : 1;
    return `{address: "127.0.0.1:${gate.port}", weight: ${weight}, ` +
      "max_fails: 2, fail_timeout: 2s}";
  });
  const more = variant === 3 ? "  /more: http://group/\n" : "";
  return `listen: 127.0.0.1:0
client_max_body_size: ${BODY_LIMIT}
proxy_connect_timeout: 500ms
proxy_next_upstream: error timeout http_500
websocket_ping: 10s
upstreams:
  group: {servers: [${servers.join(", ")}]}
  steady: 127.0.0.1:${steady.gate.port}
locations:
  /group: {proxy_pass: http://group, proxy_read_timeout: 1s}
  /steady: http://steady
${more}`;
}

/** Reloads the proxy now and then, with another config or a broken one. */
export async function reloadAgainAndAgain(
  crowd: Crowd,
  every: number,
  proxy: ProxyProcess,
  configs: (reloads: number) => string | null,
  ended: () => boolean,
): Promise<number> {
  for (let reloads = 1;; reloads++) {
    await crowd.pause(every);
    if (ended()) return reloads - 1;
    const yaml = configs(reloads) ?? "locations: {/: nowhere";
    await Deno.writeTextFile(proxy.config, yaml);
    Deno.kill(proxy.pid, "SIGHUP");
  }
}
