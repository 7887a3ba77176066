/**
 * The chat of `examples/chat` with all of its parts, as processes of this
 * machine: for `deno task stack`, for tests, for benchmarks.
 *
 *     await using stack = await startStack();
 *     await fetch(`${stack.origin}/api/session/`);
 *
 * @module
 */
import { join } from "node:path";
import type { Centrifugo } from "./centrifugo.ts";
import { copyFrontend } from "./frontend_copy.ts";
import {
  backend,
  centrifugo,
  frontend,
  type PartName,
  PARTS,
  proxy,
  type Surroundings,
} from "./parts.ts";
import { type StackOptions, USERS } from "./options.ts";
import { EXAMPLE, FRONTEND } from "./places.ts";
import { freePorts } from "./ports.ts";
import { prepare } from "./prepare.ts";
import { SILENT } from "./report.ts";
import { RunningPart } from "./running_part.ts";
import { type Secrets, secretsOf } from "./secrets.ts";

/** The stack, running. Its parts end with this process, however that ends. */
export interface Stack extends AsyncDisposable {
  /** What a browser opens: `http://localhost:9000`. */
  readonly origin: string;
  /** `host:port` of each part. */
  readonly addresses: Readonly<Record<PartName, string>>;
  readonly users: typeof USERS;
  readonly secrets: Secrets;
  /** What is run as Centrifugo. */
  readonly centrifugo: Centrifugo;
  /** The frontend's folder: a copy to edit, or the example's own. */
  readonly frontend: string;
  /** Where the database and the logs are. */
  readonly folder: string;
  /** Rejects with {@linkcode PartFailed} if a part ends that nobody stopped. */
  readonly failed: Promise<never>;
  /** The process id of a part; null while it is stopped. */
  pid(part: PartName): number | null;
  /** What a part has said so far. */
  output(part: PartName): Promise<string>;
  /** Starts a part that was stopped, and waits until it answers. */
  start(part: PartName): Promise<void>;
  /** Ends a part: politely, and after five seconds by force. */
  stop(part: PartName): Promise<void>;
  /**
   * Stops a part and starts it again, on the same port.
   *
   * @param env Added to its environment, from now on.
   */
  restart(
    part: PartName,
    env?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** Starts the proxy again, with another config. */
  replaceConfig(text: string): Promise<void>;
  /** Ends all parts. */
  stopAll(): Promise<void>;
}

/**
 * Installs and builds what is missing, and starts the parts.
 *
 * @returns once each of them answers.
 * @throws {MissingTools} if the machine lacks some.
 * @throws {CommandFailed} if something can't be installed or built.
 * @throws {PartFailed} if a part does not start; the others are ended first.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { report = SILENT } = options;
  const signal = options.signal ?? new AbortController().signal;
  const prepared = await prepare(options.frontend !== "none", report, signal);
  await using cleanUp = new AsyncDisposableStack();
  const folder = await dataFolder(options.folder, cleanUp);
  const around: Surroundings = {
    prepared,
    secrets: await secretsOf(folder),
    addresses: await chooseAddresses(options.port ?? 0),
    folder,
    frontend: options.editInPlace || options.frontend === "none"
      ? FRONTEND
      : join(folder, "frontend"),
    built: options.frontend === "preview" ? join(folder, "built") : null,
    env: options.env ?? {},
  };
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const parts = await makeParts(options, around, either);
  cleanUp.defer(async () => {
    await Promise.all(Array.from(parts.values(), (part) => part.stop()));
  });
  await report.step("all parts answer", async () => {
    if (around.frontend !== FRONTEND) await copyFrontend(around.frontend);
    await startAll(parts, failed);
  });
  return new StartedStack(around, parts, options, cleanUp.move());
}

class StartedStack implements Stack {
  readonly users = USERS;
  readonly origin: string;
  readonly addresses: Stack["addresses"];
  readonly secrets: Secrets;
  readonly centrifugo: Centrifugo;
  readonly frontend: string;
  readonly folder: string;
  readonly failed: Promise<never>;
  readonly #around: Surroundings;
  readonly #parts: ReadonlyMap<PartName, RunningPart>;
  readonly #options: StackOptions;
  readonly #cleanUp: AsyncDisposableStack;

  constructor(
    around: Surroundings,
    parts: ReadonlyMap<PartName, RunningPart>,
    options: StackOptions,
    cleanUp: AsyncDisposableStack,
  ) {
    this.#around = around;
    this.#parts = parts;
    this.#options = options;
    this.#cleanUp = cleanUp;
    this.addresses = around.addresses;
    this.origin = originsOf(around)[0];
    this.secrets = around.secrets;
    this.centrifugo = around.prepared.centrifugo;
    this.frontend = around.frontend;
    this.folder = around.folder;
    this.failed = Promise.race(Array.from(parts.values(), (it) => it.failed));
    this.failed.catch(() => {});
  }

  pid(part: PartName): number | null {
    return this.#part(part).pid;
  }

  async output(part: PartName): Promise<string> {
    return await this.#part(part).output();
  }

  async start(part: PartName): Promise<void> {
    await this.#part(part).start();
  }

  async stop(part: PartName): Promise<void> {
    await this.#part(part).stop();
  }

  async restart(
    name: PartName,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const running = this.#part(name);
    const { command, ...rest } = running.part;
    await running.stop();
    await running.start({
      ...rest,
      command: { ...command, env: { ...command.env, ...env } },
    });
  }

  async replaceConfig(text: string): Promise<void> {
    const config = await writeConfig(this.folder, text);
    const part = await proxy(
      this.#around,
      config,
      this.#options.proxyArgs ?? [],
    );
    await this.stop("proxy");
    await this.#part("proxy").start(part);
  }

  async stopAll(): Promise<void> {
    await this.#cleanUp.disposeAsync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stopAll();
  }

  #part(name: PartName): RunningPart {
    const part = this.#parts.get(name);
    if (part === undefined) throw new Error(`the stack has no ${name}`);
    return part;
  }
}

/** The folder for data; a temporary one is removed at the end. */
async function dataFolder(
  given: string | undefined,
  cleanUp: AsyncDisposableStack,
): Promise<string> {
  if (given !== undefined) {
    await Deno.mkdir(given, { recursive: true });
    return given;
  }
  const made = await Deno.makeTempDir({ prefix: "sameorigin-stack-" });
  const folder = await Deno.realPath(made);
  cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
  return folder;
}

async function chooseAddresses(
  port: number,
): Promise<Record<PartName, string>> {
  const ports = await freePorts(PARTS.length);
  const address = (i: number) => `127.0.0.1:${ports[i]}`;
  return {
    proxy: port === 0 ? address(0) : `127.0.0.1:${port}`,
    backend: address(1),
    frontend: address(2),
    centrifugo: address(3),
  };
}

/** By both names of this machine; the first is the one that is shown. */
function originsOf({ addresses }: Surroundings): [string, string] {
  const [host, port] = addresses.proxy.split(":");
  return [`http://localhost:${port}`, `http://${host}:${port}`];
}

async function makeParts(
  options: StackOptions,
  around: Surroundings,
  signal: AbortSignal,
): Promise<ReadonlyMap<PartName, RunningPart>> {
  const logs = join(around.folder, "logs");
  await Deno.mkdir(logs, { recursive: true });
  const made = {
    backend: backend(around),
    centrifugo: centrifugo(around, originsOf(around)),
    ...(options.frontend === "none" ? {} : { frontend: frontend(around) }),
    ...(options.proxy === "none" ? {} : {
      proxy: await proxy(
        around,
        await configFile(options.config, around.folder),
        options.proxyArgs ?? [],
      ),
    }),
  };
  const parts = new Map<PartName, RunningPart>();
  for (const name of PARTS) {
    const part = made[name];
    if (part === undefined) continue;
    const log = join(logs, `${name}.log`);
    await Deno.writeTextFile(log, "");
    const address = around.addresses[name];
    parts.set(name, new RunningPart(name, address, part, log, signal));
  }
  return parts;
}

async function configFile(
  config: StackOptions["config"],
  folder: string,
): Promise<string> {
  if (config === undefined) return join(EXAMPLE, "sameorigin", "config.yaml");
  return "path" in config
    ? config.path
    : await writeConfig(folder, config.text);
}

async function writeConfig(folder: string, text: string): Promise<string> {
  const file = join(folder, "config.yaml");
  await Deno.writeTextFile(file, text);
  return file;
}

/**
 * Starts all parts at once.
 *
 * @param failed Ends the start of the others when one fails.
 * @throws the first failure, once none of the others is on its way.
 */
async function startAll(
  parts: ReadonlyMap<PartName, RunningPart>,
  failed: AbortController,
): Promise<void> {
  const starts = Array.from(parts.values(), async (part) => {
    await part.prepare();
    await part.start();
  });
  for (const start of starts) start.catch((error) => failed.abort(error));
  await Promise.allSettled(starts);
  failed.signal.throwIfAborted();
}
