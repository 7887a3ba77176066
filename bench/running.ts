/**
 * Programs that run beside each other: the proxies, the upstream, the load.
 *
 * @module
 */
import { request as httpRequest } from "node:http";
import { findProgram } from "../tests/support/skip.ts";
import type { Contender, Setting, Start } from "./contenders.ts";
import { lastTarget } from "./configs.ts";

/** A contender that answers. */
export interface RunningProxy extends AsyncDisposable {
  readonly contender: Contender;
  readonly port: number;
  readonly pid: number;
}

/** Milliseconds a proxy may take to its first answer. */
const PATIENCE = 15_000;
/** Milliseconds it may take to end. */
const END_PATIENCE = 3_000;

/**
 * The command that keeps a program on some cores: with two or more, proxies of
 * one worker have the first one for themselves, and all else has the others.
 */
export function pinned(start: Start, cores: "proxy" | "others"): Start {
  const taskset = findProgram("taskset");
  const count = navigator.hardwareConcurrency;
  if (taskset === undefined || count < 2) return start;
  const list = cores === "proxy" ? "0" : `1-${count - 1}`;
  return {
    ...start,
    command: taskset,
    args: ["-c", list, start.command, ...start.args],
  };
}

/** The environment without what would send requests elsewhere. */
function environment(more: Record<string, string> = {}) {
  const kept = Object.entries(Deno.env.toObject())
    .filter(([name]) => !/^(https?|all)_proxy$/i.test(name));
  return { ...Object.fromEntries(kept), ...more };
}

/** Starts a program that writes nowhere but to its standard error. */
export function spawn({ command, args, env }: Start) {
  const child = new Deno.Command(command, {
    args,
    env: environment(env),
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let words = "";
  const read = (async () => {
    for await (
      const text of child.stderr.pipeThrough(new TextDecoderStream())
    ) {
      words = (words + text).slice(-4000);
    }
  })();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  return {
    pid: child.pid,
    get ended() {
      return ended;
    },
    get words() {
      return words;
    },
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGTERM");
      const timer = setTimeout(() => {
        if (!ended) child.kill("SIGKILL");
      }, END_PATIENCE);
      await status;
      clearTimeout(timer);
      await read;
    },
  };
}

/** A port of 127.0.0.1 on which nothing listens. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * Starts a contender and waits until it answers.
 *
 * @throws {Error} with what it said, if it does not.
 */
export function startProxy(
  contender: Contender,
  setting: Omit<Setting, "port" | "folder">,
): Promise<RunningProxy> {
  const pin = setting.workers === "one";
  return begin(contender, setting, pin, 20);
}

/**
 * The same, on any core, watched closely.
 *
 * @returns With the milliseconds that it took.
 */
export async function firstAnswer(
  contender: Contender,
  setting: Omit<Setting, "port" | "folder">,
): Promise<RunningProxy & { readonly after: number }> {
  return await begin(contender, setting, false, 1);
}

async function begin(
  contender: Contender,
  setting: Omit<Setting, "port" | "folder">,
  pin: boolean,
  pause: number,
): Promise<RunningProxy & { readonly after: number }> {
  const folder = await Deno.makeTempDir({ prefix: "bench-" });
  const port = freePort();
  const start = await contender.start({ ...setting, port, folder });
  const begun = performance.now();
  const program = spawn(pin ? pinned(start, "proxy") : start);
  const end = async () => {
    await program[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  };
  const target = setting.files
    ? "/small.html"
    : lastTarget(setting.locations, "small");
  while (!await answers(contender, port, target)) {
    if (program.ended || performance.now() - begun > PATIENCE) {
      await end();
      throw new Error(`${contender.name} did not start: ${program.words}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  const after = performance.now() - begun;
  const { pid } = program;
  return { contender, port, pid, after, [Symbol.asyncDispose]: end };
}

async function answers(contender: Contender, port: number, target: string) {
  try {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    if (!contender.can.has("http")) return true;
    await conn.write(
      new TextEncoder().encode(
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      ),
    );
    const bytes = new Uint8Array(64);
    const count = await conn.read(bytes) ?? 0;
    const line = new TextDecoder().decode(bytes.subarray(0, count));
    return line.startsWith("HTTP/1.1 200");
  } catch {
    return false;
  }
}

/** What a server answered, the body as it came. */
export interface Answer {
  status: number;
  encoding: string | undefined;
  body: Uint8Array;
}

/** Sends one request on a connection of its own. `fetch` would decode the answer. */
export function ask(
  port: number,
  path: string,
  headers: readonly string[] = [],
  body = 0,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fields = headers.map((line) => line.split(/: (.*)/s, 2));
    const request = httpRequest({
      hostname: "127.0.0.1",
      port,
      path,
      method: body > 0 ? "POST" : "GET",
      agent: false,
      headers: Object.fromEntries(fields),
    }, (response) => {
      const chunks: Uint8Array[] = [];
      response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", async () => {
        const whole = await new Blob(chunks as Uint8Array<ArrayBuffer>[])
          .bytes();
        resolve({
          status: response.statusCode ?? 0,
          encoding: response.headers["content-encoding"],
          body: whole,
        });
      });
    });
    request.on("error", reject);
    request.end(body > 0 ? "x".repeat(body) : undefined);
  });
}
