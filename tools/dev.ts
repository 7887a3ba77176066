/**
 * `deno task dev`: the proxy with `config.yaml`, which it reads again when that
 * changes, started anew when its code does, and the demo for each upstream that
 * is not yours:
 *
 *     deno task dev
 *     BACKEND=localhost:8000 deno task dev      your backend, the demo's rest
 *     deno task dev --listen 9001               options of `sameorigin run`
 *     deno task dev --https                     with a certificate of this machine
 *     deno task dev --https --lan               for phones in the network, too
 *
 * The demo lives in this process and outlives a restart of the proxy, sessions
 * and messages included. `deno run --watch` would be less code, but it keeps
 * waiting when the proxy ends with an exit code, or by SIGTERM.
 *
 * @module
 */
import { basename, dirname, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type Demo, type Part, startDemo } from "../demo/start.ts";
import {
  type DevHttps,
  DevOptionError,
  startHttps,
  wantsHttps,
} from "./dev_https.ts";
import { PROXY_FLAGS } from "./proxy_flags.ts";
import { denoArguments } from "./with_std.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const MAIN = resolve(ROOT, "main.ts");
const LIB = resolve(ROOT, "lib");
const CONFIG = resolve(ROOT, "config.yaml");

/** Where the proxy tells how it is. */
const ADMIN = "127.0.0.1:9001";

/** What comes within this time after a change belongs to it, in milliseconds. */
const QUIET = 100;

/** How long the proxy may take to end before it is told again, in milliseconds. */
const PATIENCE = 500;

const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

async function main(given: readonly string[]): Promise<number> {
  const stop = stopSignal();
  reachLoopbackDirectly();
  const demo = startDemo({
    backend: Deno.env.get("BACKEND"),
    frontend: Deno.env.get("FRONTEND"),
    centrifugo: Deno.env.get("CENTRIFUGO"),
  });
  let https: DevHttps | null = null;
  try {
    for (const part of demo.parts) console.error(describe(part));
    if (wantsHttps(given)) https = await startHttps(given);
    const args = https?.args ?? given;
    return await keepRunning(await proxyCommand(args, demo), args, stop);
  } catch (error) {
    if (!(error instanceof DevOptionError)) throw error;
    console.error(error.message);
    return 2;
  } finally {
    await https?.stop();
    await demo.stop();
  }
}

/**
 * `fetch` sends all requests to the proxy that `HTTP_PROXY` names, also those
 * of the demo's backend to the Centrifugo beside it.
 */
function reachLoopbackDirectly(): void {
  for (const name of ["NO_PROXY", "no_proxy"]) {
    const others = Deno.env.get(name);
    const all = others ? `${others},127.0.0.1` : "127.0.0.1";
    Deno.env.set(name, all);
  }
}

/** A line about who is behind an upstream's name. */
function describe({ upstream, address, demo }: Part): string {
  const name = upstream.padEnd("centrifugo".length);
  if (demo !== null) return `demo   ${name}  ${address}`;
  const note = upstream === "centrifugo"
    ? "  (the demo's backend can't publish to it: no live updates)"
    : "";
  return `yours  ${name}  ${address}${note}`;
}

/** How the proxy is started: with no more permissions than its executable has. */
async function proxyCommand(
  args: readonly string[],
  demo: Demo,
): Promise<Deno.Command> {
  const upstreams = demo.parts.map(({ upstream, address }) =>
    [upstream.toUpperCase(), address] as const
  );
  const config = configOption(args) === null ? ["--config", CONFIG] : [];
  const reload = args.includes("--watch") ? [] : ["--watch"];
  const hasAdmin = args.some((arg) => /^--admin(=|$)/.test(arg));
  // Where the port is taken it runs without.
  const admin = hasAdmin ? [] : ["--admin", ADMIN];
  return new Deno.Command(Deno.execPath(), {
    args: await denoArguments("run", [
      `--config=${resolve(ROOT, "deno.json")}`,
      ...PROXY_FLAGS,
      MAIN,
      "run",
      "--dev",
      ...reload,
      ...admin,
      ...config,
      ...args,
    ]),
    env: Object.fromEntries(upstreams),
    stdin: "null",
  });
}

/**
 * Runs the proxy until it is to stop, or ends by itself before any edit.
 *
 * @returns The proxy's exit code; 0 after a signal.
 */
async function keepRunning(
  command: Deno.Command,
  args: readonly string[],
  stop: Promise<Deno.Signal>,
): Promise<number> {
  using changes = new Changes(configOption(args));
  for (let starts = 1;; starts++) {
    const proxy = command.spawn();
    let changed = changes.next();
    let event = await Promise.race([proxy.status, changed, stop]);
    // Its config it reads again by itself.
    while (event instanceof Change && event.ofConfig) {
      changed = changes.next();
      event = await Promise.race([proxy.status, changed, stop]);
    }
    if (typeof event === "string") {
      // A terminal sends SIGINT to every process of the group, the proxy too.
      const told = event === "SIGINT" && Deno.stdin.isTerminal();
      await end(proxy, told);
      return 0;
    }
    if (event instanceof Change) {
      console.error(`${event.name} has changed: starting the proxy anew`);
      await end(proxy, false);
      continue;
    }
    // At the first start it is for whoever has typed the command; later an
    // edit has broken it, and the next may mend it.
    if (starts === 1) return event.code;
    console.error("The proxy is down until the next edit.");
    if (typeof await Promise.race([changed, stop]) === "string") return 0;
  }
}

/**
 * Ends the proxy: a second signal tells it not to wait for what is in flight,
 * which in a browser that keeps a page open would take long.
 *
 * @param told Whether it has got the first signal already.
 */
async function end(proxy: Deno.ChildProcess, told: boolean): Promise<void> {
  if (!told) send(proxy, "SIGTERM");
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (await within(PATIENCE, proxy.status)) return;
    send(proxy, signal);
  }
  await proxy.status;
}

function send(proxy: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    proxy.kill(signal);
  } catch {
    // It has just ended.
  }
}

/** Whether it happens in time. */
async function within(
  milliseconds: number,
  event: Promise<unknown>,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The first signal to stop. Later ones are ignored: it is being done. */
function stopSignal(): Promise<Deno.Signal> {
  return new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) {
      Deno.addSignalListener(signal, () => resolve(signal));
    }
  });
}

/** The value of `--config` among the options, or null. */
function configOption(args: readonly string[]): string | null {
  for (const [at, arg] of args.entries()) {
    if (arg === "-c" || arg === "--config") return args[at + 1] ?? null;
    if (arg.startsWith("--config=")) return arg.slice("--config=".length);
  }
  return null;
}

/** A file that has changed. */
class Change {
  constructor(readonly name: string, readonly ofConfig: boolean) {}
}

/** Watches what the proxy is made of. */
class Changes implements Disposable {
  readonly #watchers: readonly Deno.FsWatcher[];
  readonly #config: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What has changed and was not told yet; code before the config. */
  #change: Change | null = null;
  #next: PromiseWithResolvers<Change> = Promise.withResolvers();

  constructor(config: string | null) {
    this.#config = resolve(config ?? CONFIG);
    this.#watchers = [
      // The folders, not the files: editors put a new file in the old one's place.
      Deno.watchFs([dirname(this.#config), ROOT], { recursive: false }),
      Deno.watchFs(LIB),
    ];
    for (const watcher of this.#watchers) this.#watch(watcher);
  }

  /** The next change from now on. */
  next(): Promise<Change> {
    this.#next = Promise.withResolvers();
    return this.#next.promise;
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close();
    clearTimeout(this.#timer);
  }

  async #watch(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind, paths } of watcher) {
      if (kind === "access") continue;
      const path = paths.find((path) => this.#counts(path));
      if (path === undefined) continue;
      const ofConfig = path === this.#config;
      if (this.#change?.ofConfig !== false) {
        this.#change = new Change(basename(path), ofConfig);
      }
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell(), QUIET);
    }
  }

  #tell(): void {
    if (this.#change !== null) this.#next.resolve(this.#change);
    this.#change = null;
  }

  #counts(path: string): boolean {
    return path === this.#config || path === MAIN ||
      path.startsWith(LIB + sep) && path.endsWith(".ts");
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
