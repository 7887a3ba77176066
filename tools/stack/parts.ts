/**
 * The parts of the stack: how each is started, and when it is there.
 *
 * @module
 */
import { join } from "node:path";
import { PROXY_FLAGS } from "../proxy_flags.ts";
import { denoArguments } from "../with_std.ts";
import type { Question } from "./answer.ts";
import { BACKEND, CACHE, EXAMPLE, ROOT } from "./places.ts";
import type { Prepared } from "./prepare.ts";
import type { Command } from "./process_group.ts";
import type { Secrets } from "./secrets.ts";

/** The parts, in the order in which they are shown. */
export const PARTS = ["proxy", "backend", "frontend", "centrifugo"] as const;

/** The name of a part. */
export type PartName = typeof PARTS[number];

/** What the parts are made from. */
export interface Surroundings {
  readonly prepared: Prepared;
  readonly secrets: Secrets;
  /** `host:port` of each. */
  readonly addresses: Readonly<Record<PartName, string>>;
  /** Where data and logs are kept. */
  readonly folder: string;
  /** The frontend's folder, which may be a copy. */
  readonly frontend: string;
  /** Where the built frontend is; null for the development server. */
  readonly built: string | null;
  /** In addition to what the runner sets. */
  readonly env: Readonly<
    Partial<Record<PartName, Readonly<Record<string, string>>>>
  >;
}

/** A part, as it is started. */
export interface Part {
  /** What is run to its end beforehand, at the first start. */
  readonly before: readonly Command[];
  readonly command: Command;
  /** What it is asked to see whether it is there. */
  readonly question: Question;
  /** Whether this status says so. */
  readonly isThere: (status: number) => boolean;
}

/** Django, which keeps its data in the folder. */
export function backend(around: Surroundings): Part {
  const { prepared, secrets, addresses, folder } = around;
  const env = {
    ...direct(),
    PYTHONUNBUFFERED: "1",
    // Nothing is written into the sources.
    PYTHONPYCACHEPREFIX: join(CACHE, "pycache"),
    DATABASE_URL: `sqlite:///${join(folder, "db.sqlite3")}`,
    DJANGO_DEBUG: "1",
    DJANGO_SECRET_KEY: secrets.django,
    CENTRIFUGO_API_URL: `http://${addresses.centrifugo}/api`,
    CENTRIFUGO_API_KEY: secrets.apiKey,
    CENTRIFUGO_TOKEN_SECRET: secrets.token,
    ...around.env.backend,
  };
  const manage = (...args: string[]): Command => ({
    program: prepared.python,
    args: ["manage.py", ...args],
    cwd: BACKEND,
    env,
  });
  return {
    before: [manage("migrate", "--no-input"), manage("seed")],
    command: manage("runserver", "--noreload", addresses.backend),
    question: { path: "/api/session/" },
    isThere: (status) => status === 200,
  };
}

/** Vite: its development server, or what it has built. */
export function frontend(around: Surroundings): Part {
  const { prepared, addresses, built } = around;
  const [host = "", port = ""] = addresses.frontend.split(":");
  const vite = (...args: string[]): Command => ({
    program: prepared.node,
    args: [join("node_modules", "vite", "bin", "vite.js"), ...args],
    cwd: around.frontend,
    env: { ...direct(), ...around.env.frontend },
  });
  const listen = ["--host", host, "--port", port, "--strictPort"];
  const output = built === null ? [] : ["--outDir", built];
  return {
    before: built === null ? [] : [vite("build", ...output, "--emptyOutDir")],
    command: built === null
      ? vite(...listen)
      : vite("preview", ...output, ...listen),
    question: { path: "/", headers: { accept: "text/html" } },
    isThere: (status) => status === 200,
  };
}

/** Centrifugo, or what stands in for it. */
export function centrifugo(around: Surroundings, origins: string[]): Part {
  const { prepared, secrets, addresses } = around;
  const [host = "", port = ""] = addresses.centrifugo.split(":");
  return {
    before: [],
    command: {
      program: prepared.centrifugo.program,
      args: ["-c", join(EXAMPLE, "centrifugo", "config.json")],
      cwd: around.folder,
      env: {
        ...direct(),
        CENTRIFUGO_HTTP_SERVER_ADDRESS: host,
        CENTRIFUGO_HTTP_SERVER_PORT: port,
        CENTRIFUGO_CLIENT_ALLOWED_ORIGINS: origins.join(" "),
        CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY: secrets.token,
        CENTRIFUGO_HTTP_API_KEY: secrets.apiKey,
        CENTRIFUGO_RPC_PROXY_ENDPOINT:
          `http://${addresses.backend}/centrifugo/rpc`,
        ...around.env.centrifugo,
      },
    },
    question: {
      path: "/api/info",
      method: "POST",
      headers: { "x-api-key": secrets.apiKey },
      body: "{}",
    },
    isThere: (status) => status === 200,
  };
}

/**
 * sameorigin, with no more permissions than its executable has.
 *
 * @param args Options of `sameorigin run`.
 */
export async function proxy(
  around: Surroundings,
  config: string,
  args: readonly string[],
): Promise<Part> {
  const { addresses } = around;
  return {
    before: [],
    command: {
      program: Deno.execPath(),
      args: await denoArguments("run", [
        `--config=${join(ROOT, "deno.json")}`,
        "--quiet",
        ...PROXY_FLAGS,
        join(ROOT, "main.ts"),
        "run",
        "--config",
        config,
        "--listen",
        addresses.proxy,
        ...args,
      ]),
      cwd: around.folder,
      env: {
        BACKEND: addresses.backend,
        FRONTEND: addresses.frontend,
        CENTRIFUGO: addresses.centrifugo,
        ...around.env.proxy,
      },
    },
    question: { path: "/" },
    // Whatever its config says of this path.
    isThere: () => true,
  };
}

/** The parts reach each other directly, whatever proxy the network has. */
function direct(): Record<string, string> {
  const there = Deno.env.get("NO_PROXY") ?? Deno.env.get("no_proxy") ?? "";
  const all = [there, "127.0.0.1", "localhost"].filter(Boolean).join(",");
  return { NO_PROXY: all, no_proxy: all };
}
