/**
 * The scenarios of `balance_scenario.ts` by a real nginx.
 *
 * @module
 */
import type { Client } from "../../lib/upstream/balance/method.ts";
import type { Balance } from "../../lib/upstream/balance/balancer.ts";
import { startNginx } from "../route/nginx.ts";
import { letter, type Scenario, type Server } from "./balance_scenario.ts";

/** What an upstream's block says for a method. */
export function directive(balance: Balance): string {
  switch (balance.kind) {
    case "round_robin":
      return "";
    case "least_conn":
    case "ip_hash":
      return `${balance.kind};`;
    case "hash":
      return `hash $http_x_key${balance.consistent ? " consistent" : ""};`;
    case "random":
      return `random${balance.two ? " two least_conn" : ""};`;
  }
}

/**
 * The servers that nginx sent each client's request to, per scenario, as
 * `ourPicks` says them.
 */
export async function nginxPicks(
  scenarios: readonly Scenario[],
): Promise<string[][]> {
  const dir = await Deno.makeTempDir({ prefix: "sameorigin_balance_" });
  try {
    await using _nginx = await startNginx(`
      keepalive_requests 1000000;
      set_real_ip_from unix:;
      real_ip_header X-Real-IP;
      ${scenarios.map((scenario, i) => upstream(scenario, i, dir)).join("\n")}
      server {
        listen unix:${dir}/proxy;
        add_header X-Upstream $upstream_addr always;
        ${
      scenarios.map(({ retry }, i) =>
        `location /${i}/ {
          proxy_pass http://scenario_${i};
          proxy_next_upstream ${retry ? "error" : "off"};
        }`
      ).join("\n")
    }
      }`);
    const picks: string[][] = [];
    for (const [i, scenario] of scenarios.entries()) {
      const addresses = await requests(`${dir}/proxy`, `/${i}/`, scenario);
      const names = scenario.servers.map((server, at) =>
        address(server, i, at, dir)
      );
      picks.push(
        addresses.map((said) =>
          said.split(", ").map((one) => letter(names.indexOf(one))).join("")
        ),
      );
    }
    return picks;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A server that answers does so on a socket of its own. */
function address(server: Server, scenario: number, at: number, dir: string) {
  return server.answers ? `unix:${dir}/${scenario}_${at}` : server.name;
}

function upstream({ balance, servers }: Scenario, i: number, dir: string) {
  const lines = servers.map((server, at) =>
    `server ${address(server, i, at, dir)} weight=${server.weight} max_fails=${
      server.maxFails ?? 0
    } fail_timeout=1h${server.down ? " down" : ""};`
  );
  const answering = servers.flatMap((server, at) =>
    server.answers
      ? [`server { listen ${address(server, i, at, dir)}; return 204; }`]
      : []
  );
  return `upstream scenario_${i} { ${directive(balance)} ${lines.join(" ")} }
    ${answering.join("\n")}`;
}

/** Sends the requests on one connection; what `$upstream_addr` was for each. */
async function requests(
  path: string,
  target: string,
  { clients }: Scenario,
): Promise<string[]> {
  using connection = await Deno.connect({ transport: "unix", path });
  const addresses: string[] = [];
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  for (let at = 0; at < clients.length; at += PIPELINED) {
    const some = clients.slice(at, at + PIPELINED);
    await send(connection, some.map((one) => head(target, one)).join(""));
    while (addresses.length < at + some.length) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error(`nginx closed: ${text}`);
      text += new TextDecoder().decode(buffer.subarray(0, count));
      const rest = text.lastIndexOf("\r\n");
      const whole = text.slice(0, rest + 2);
      for (const [, said = ""] of whole.matchAll(/X-Upstream: (.*)\r\n/g)) {
        addresses.push(said);
      }
      text = text.slice(rest + 2);
    }
  }
  return addresses;
}

/** How many requests wait on the connection: they fit into its buffer. */
const PIPELINED = 50;

function head(target: string, { key, remoteAddr }: Client): string {
  return `GET ${target} HTTP/1.1\r\nHost: x\r\n` +
    (remoteAddr === "unix:" ? "" : `X-Real-IP: ${remoteAddr}\r\n`) +
    (key === "" ? "" : `X-Key: ${key}\r\n`) + "\r\n";
}

async function send(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  let sent = 0;
  while (sent < bytes.length) {
    sent += await connection.write(bytes.subarray(sent));
  }
}
