/**
 * The chat of `examples/chat` with all of its parts and a browser, started once
 * for all scenarios that play in it.
 *
 * @module
 */
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { frontend, PARTS } from "../../tools/stack/parts.ts";
import { EXAMPLE } from "../../tools/stack/places.ts";
import { freePorts } from "../../tools/stack/ports.ts";
import { prepare } from "../../tools/stack/prepare.ts";
import { tail } from "../../tools/stack/run_to_end.ts";
import { RunningPart } from "../../tools/stack/running_part.ts";
import { type Stack, startStack } from "../../tools/stack/start_stack.ts";
import { CHROMIUM, launchBrowser } from "./browser.ts";
import { type RunningProcess, startSameorigin, urlOf } from "./process.ts";
import { findProgram } from "./skip.ts";
import { testReport, whyNoStack } from "./stack.ts";

/** Does a part of a scenario; throws if it fails, for the next build on it. */
export type Step = (name: string, fn: () => Promise<void>) => Promise<void>;

/** What plays on the stage, alone, and leaves its parts running as they were. */
export interface Scenario {
  /** By which it can be chosen: `deno task test FILE -- KEY`. */
  readonly key: string;
  /** A sentence about behaviour. */
  readonly name: string;
  /** Whether it needs the frontend and a browser. */
  readonly needsPages: boolean;
  run(stage: Stage, step: Step): Promise<void>;
}

/** Another proxy before the same parts. */
export interface AnotherProxy extends AsyncDisposable {
  readonly pid: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** What a browser opens: `http://localhost:PORT`. */
  readonly origin: string;
}

/** All that scenarios share. */
export interface Stage {
  /** With the frontend as it is built, if there are pages. */
  readonly stack: Stack;
  /** The browser, which is started for the first scenario that needs it. */
  browser(): Promise<Browser>;
  /**
   * Starts another proxy with the example's config.
   *
   * @param args Options of `sameorigin run`.
   * @param env Upstreams that are not the stack's.
   */
  startProxy(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<AnotherProxy>;
  /** Starts Vite's development server for the stack's copy of the frontend. */
  startVite(): Promise<RunningPart & AsyncDisposable>;
}

/** Why scenarios with pages can't be played on this machine; null if they can. */
export async function whyNoPages(): Promise<string | null> {
  const lacks = [
    await whyNoStack(true),
    findProgram(CHROMIUM) === undefined
      ? `${CHROMIUM.replaceAll("|", " or ")} not installed`
      : null,
  ].filter((lack) => lack !== null);
  return lacks.length === 0 ? null : lacks.join(", ");
}

/**
 * Starts what the scenarios need, and plays them one after the other. What the
 * parts have said last is printed if one fails.
 *
 * @returns the folder that the stack had, which is to be gone.
 * @throws {Error} if a scenario fails, once all have been played.
 */
export async function play(
  scenarios: readonly Scenario[],
  context: Deno.TestContext,
): Promise<string> {
  const pages = scenarios.some(({ needsPages }) => needsPages);
  await using stage = await setUp(pages);
  const failed: string[] = [];
  for (const { name, run } of scenarios) {
    await stage.mend();
    const ok = await context.step({
      name,
      fn: (context) => run(stage, stepIn(context)),
      ...UNWATCHED,
    });
    if (!ok) failed.push(name);
    await stage.closePages();
  }
  if (failed.length > 0) {
    await stage.printLastWords();
    throw new Error(`failed: ${failed.join("; ")}`);
  }
  return stage.stack.folder;
}

/** Some steps run at the same time, and parts outlive the step that starts them. */
const UNWATCHED = {
  sanitizeOps: false,
  sanitizeResources: false,
  sanitizeExit: false,
};

function stepIn(context: Deno.TestContext): Step {
  return async (name, fn) => {
    const ok = await context.step({ name, fn, ...UNWATCHED });
    if (!ok) throw new Error(`failed: ${name}`);
  };
}

async function setUp(pages: boolean): Promise<SharedStage> {
  const [own = 0, other = 0] = await freePorts(2);
  const origins = [own, other].flatMap((port) => [
    `http://localhost:${port}`,
    `http://127.0.0.1:${port}`,
  ]);
  const stack = await startStack({
    report: testReport,
    frontend: pages ? "preview" : "none",
    port: own,
    env: {
      // Those of another proxy too.
      centrifugo: { CENTRIFUGO_CLIENT_ALLOWED_ORIGINS: origins.join(" ") },
    },
  });
  return new SharedStage(stack, pages, `127.0.0.1:${other}`);
}

class SharedStage implements Stage, AsyncDisposable {
  #browser: Promise<Browser> | null = null;

  constructor(
    readonly stack: Stack,
    readonly pages: boolean,
    /** Where the other proxy listens, so that Centrifugo accepts its pages. */
    readonly otherAddress: string,
  ) {}

  browser(): Promise<Browser> {
    return this.#browser ??= launchBrowser();
  }

  async startProxy(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<AnotherProxy> {
    const { backend, frontend, centrifugo } = this.stack.addresses;
    const config = join(EXAMPLE, "config.yaml");
    const running: RunningProcess = await startSameorigin(
      ["run", "--config", config, "--listen", this.otherAddress, ...args],
      {
        env: {
          BACKEND: backend,
          FRONTEND: frontend,
          CENTRIFUGO: centrifugo,
          ...env,
        },
      },
    );
    const { host, port } = new URL(await urlOf(running));
    return {
      pid: running.pid,
      address: host,
      origin: `http://localhost:${port}`,
      [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
    };
  }

  async startVite(): Promise<RunningPart & AsyncDisposable> {
    const { stack } = this;
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    const { signal } = new AbortController();
    const part = frontend({
      prepared: await prepare(true, testReport, signal),
      secrets: stack.secrets,
      addresses: { ...stack.addresses, frontend: address },
      folder: stack.folder,
      frontend: stack.frontend,
      built: null,
      env: {},
    });
    const log = join(stack.folder, "logs", "vite.log");
    const vite = new RunningPart("frontend", address, part, log, signal);
    await vite.start();
    return Object.assign(vite, { [Symbol.asyncDispose]: () => vite.stop() });
  }

  /** Starts what a scenario that failed has left stopped. */
  async mend(): Promise<void> {
    for (const part of PARTS) {
      if (part === "frontend" && !this.pages) continue;
      if (this.stack.pid(part) === null) await this.stack.start(part);
    }
  }

  /** Nobody is online any more. */
  async closePages(): Promise<void> {
    const contexts = (await this.#browser)?.contexts() ?? [];
    await Promise.all(contexts.map((it) => it.close()));
  }

  async printLastWords(): Promise<void> {
    for (const part of PARTS) {
      const words = await this.stack.output(part).catch(() => "");
      if (words !== "") console.log(`${part} said last:\n${tail(words)}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#browser)?.close();
    await this.stack.stopAll();
  }
}
