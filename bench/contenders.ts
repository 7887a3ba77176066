/**
 * The proxies that are compared, and how each is started.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { findProgram } from "../tests/support/skip.ts";
import { PROXY_FLAGS, V8_FLAGS } from "../tools/proxy_flags.ts";
import { denoArguments } from "../tools/with_std.ts";
import {
  caddyfile,
  haproxyConfig,
  nginxConfig,
  sameoriginConfig,
  traefikConfig,
  traefikRoutes,
} from "./configs.ts";

import {
  caddyFiles,
  nginxFiles,
  sameoriginFiles,
  writeFiles,
} from "./files.ts";

/** What a proxy is started for. */
export interface Setting {
  /** On 127.0.0.1; nothing listens there yet. */
  port: number;
  /** Where the upstream listens, on 127.0.0.1. */
  upstream: number;
  /** How many locations lead to it. 5: those of the shipped config.yaml. */
  locations: number;
  /** Processes or threads that serve: one, or as many as there are cores. */
  workers: "one" | "all";
  /** Whether it serves the files of files.ts, in place of any location. */
  files?: boolean;
  /** A folder that is the contender's own. */
  folder: string;
}

/** A program with its arguments. Both outputs go to `/dev/null`, the access log too. */
export interface Start {
  command: string;
  args: string[];
  env?: Record<string, string>;
}

export interface Contender {
  /** For `--proxy=NAME` and in tables. */
  readonly name: string;
  /** Whether it is one of the lower bounds rather than a proxy. */
  readonly floor: boolean;
  /** Whether it only takes part where it is named. */
  readonly extra: boolean;
  /** What it is measured in: how it starts, and what it can do. */
  readonly can: ReadonlySet<
    "start" | "websocket" | "http" | "locations" | "cores" | "files"
  >;
  /** What it needs and this machine has not, else null. */
  readonly missing: string | null;
  start(setting: Setting): Promise<Start>;
}

/** Where the packages for Node are installed. */
export const NODE_FOLDER = new URL("../.cache/bench/node/", import.meta.url);

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function write(setting: Setting, name: string, text: string) {
  const file = `${setting.folder}/${name}`;
  await Deno.writeTextFile(file, text);
  return file;
}

function sameorigin(
  name: string,
  can: Contender["can"],
  flags: readonly string[],
): Contender {
  return {
    name,
    floor: false,
    extra: false,
    can,
    missing: null,
    async start(setting) {
      const shipped = await Deno.readTextFile(path("../config.yaml"));
      const text = setting.files
        ? sameoriginFiles(await writeFiles(setting.folder))
        : sameoriginConfig(shipped, setting);
      const config = await write(setting, "config.yaml", text);
      const listen = ["--listen", `127.0.0.1:${setting.port}`];
      const upstream = `127.0.0.1:${setting.upstream}`;
      const args = [...flags, path("../main.ts"), "-c", config, ...listen];
      return {
        command: Deno.execPath(),
        args: await denoArguments("run", args),
        env: { BACKEND: upstream, FRONTEND: upstream, CENTRIFUGO: upstream },
      };
    },
  };
}

/**
 * As `deno task start` runs it, without the flag for V8. Only this one is
 * measured starting: two that differ in flags spoil each other's cache.
 */
export const FROM_SOURCE = "deno task start";

function denoFloor(
  name: string,
  file: string,
  can: "http" | "websocket",
  extra = false,
) {
  return {
    name,
    floor: true,
    extra,
    can: new Set(can === "http" ? ["start", can] as const : [can]),
    missing: null,
    start: ({ port, upstream }: Setting) =>
      Promise.resolve({
        command: Deno.execPath(),
        args: [
          "run",
          "--unstable-no-legacy-abort",
          "--allow-net",
          path(file),
          String(port),
          `127.0.0.1:${upstream}`,
        ],
      }),
  };
}

function debian(
  name: string,
  start: (program: string, setting: Setting) => Promise<Start>,
  more: readonly "files"[] = [],
): Contender {
  const program = findProgram(name);
  return {
    name,
    floor: false,
    extra: false,
    can: new Set([
      ...["start", "websocket", "http", "locations", "cores"] as const,
      ...more,
    ]),
    missing: program === undefined ? `${name} is not installed` : null,
    start: (setting) => start(program ?? "", setting),
  };
}

const nginx = debian("nginx", async (command, setting) => {
  const text = setting.files
    ? nginxFiles(setting, await writeFiles(setting.folder))
    : nginxConfig(setting);
  const config = await write(setting, "nginx.conf", text);
  const args = ["-p", setting.folder, "-e", "stderr", "-c", config];
  return { command, args };
}, ["files"]);

const haproxy = debian("haproxy", async (command, setting) => {
  const config = await write(setting, "haproxy.cfg", haproxyConfig(setting));
  return { command, args: ["-q", "-f", config] };
});

const caddy = debian("caddy", async (command, setting) => {
  const text = setting.files
    ? caddyFiles(setting, await writeFiles(setting.folder))
    : caddyfile(setting);
  const config = await write(setting, "Caddyfile", text);
  return {
    command,
    args: ["run", "--adapter", "caddyfile", "--config", config],
    env: {
      HOME: setting.folder,
      XDG_DATA_HOME: setting.folder,
      XDG_CONFIG_HOME: setting.folder,
      ...(setting.workers === "one" ? { GOMAXPROCS: "1" } : {}),
    },
  };
}, ["files"]);

// Built from its Go module where it is wanted: that takes a quarter of an hour.
const traefik = debian("traefik", async (command, setting) => {
  const routes = await write(setting, "routes.yaml", traefikRoutes(setting));
  const config = await write(
    setting,
    "traefik.yaml",
    traefikConfig(setting, routes),
  );
  return {
    command,
    args: [`--configFile=${config}`],
    env: setting.workers === "one" ? { GOMAXPROCS: "1" } : {},
  };
});

/** On Node: one process, one thread for JavaScript. */
function onNode(name: string, file: string): Contender {
  const program = findProgram("node");
  const installed = exists(new URL(`node_modules/${name}`, NODE_FOLDER));
  return {
    name,
    floor: false,
    extra: false,
    can: new Set(["start", "websocket", "http"]),
    missing: program === undefined
      ? "node is not installed"
      : installed
      ? null
      : `npm could not install ${name}`,
    start: ({ port, upstream }) =>
      Promise.resolve({
        command: program ?? "",
        args: [
          path(`node/${file}`),
          String(port),
          `127.0.0.1:${upstream}`,
        ],
        env: {
          NODE_ENV: "production",
          NODE_PATH: fileURLToPath(new URL("node_modules", NODE_FOLDER)),
        },
      }),
  };
}

function exists(url: URL): boolean {
  try {
    Deno.statSync(url);
    return true;
  } catch {
    return false;
  }
}

/** All of them, ours first. Call it once the packages for Node are installed. */
export function contenders(): Contender[] {
  return [
    sameorigin(
      "sameorigin",
      new Set(["websocket", "http", "locations", "cores", "files"]),
      [...PROXY_FLAGS, V8_FLAGS],
    ),
    sameorigin(FROM_SOURCE, new Set(["start"]), PROXY_FLAGS),
    denoFloor("floor", "floor.ts", "http"),
    denoFloor("floor+headers", "floor_headers.ts", "http", true),
    denoFloor("floor+duties", "floor_duties.ts", "http"),
    denoFloor("floor-own-client", "floor_own_client.ts", "http", true),
    denoFloor("floor-websocket", "floor_websocket.ts", "websocket"),
    nginx,
    haproxy,
    caddy,
    traefik,
    onNode("http-proxy-3", "http_proxy_3.cjs"),
    onNode("@fastify/http-proxy", "fastify_http_proxy.cjs"),
  ];
}
