/**
 * The chat of `examples/chat` with all of its parts and a browser, started once
 * and shared by all scenarios.
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

/** Runs a step of a scenario. Throws if it fails: later steps depend on it. */
export type Step = (name: string, fn: () => Promise<void>) => Promise<void>;

/** A test that has the fixture to itself while it runs, and leaves all parts running. */
export interface Scenario {
  /** Selects it on the command line: `deno task test FILE -- KEY`. */
  readonly key: string;
  /** A sentence about behaviour. */
  readonly name: string;
  /** Whether it needs the frontend and a browser. */
  readonly needsPages: boolean;
  run(fixture: ChatFixture, step: Step): Promise<void>;
}

/** A second proxy before the same parts. */
export interface AnotherProxy extends AsyncDisposable {
  readonly pid: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** What a browser opens: `http://localhost:PORT`. */
  readonly origin: string;
}

/** All that scenarios share. */
export interface ChatFixture {
  /** Serves the built frontend; none if no scenario needs it. */
  readonly stack: Stack;
  /** The browser. It is started at the first call. */
  browser(): Promise<Browser>;
  /**
   * Starts a second proxy with the example's config. One at a time.
   *
   * @param args Options of `sameorigin run`.
   * @param env Variables of the config to replace: `FRONTEND`.
   */
  startProxy(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<AnotherProxy>;
  /** Starts Vite's development server for the stack's copy of the frontend. */
  startVite(): Promise<RunningPart & AsyncDisposable>;
}

/** What is missing to run scenarios that need pages; null if nothing. */
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
 * Starts the fixture and runs the scenarios one after the other. If one fails,
 * the ends of the parts' logs are printed.
 *
 * @returns The stack's temporary folder, which is removed by then.
 * @throws {Error} if a scenario has failed, after all of them have run.
 */
export async function runScenarios(
  scenarios: readonly Scenario[],
  context: Deno.TestContext,
): Promise<string> {
  const pages = scenarios.some(({ needsPages }) => needsPages);
  await using fixture = await setUp(pages);
  const failed: string[] = [];
  for (const { name, run } of scenarios) {
    await fixture.startStopped();
    const ok = await context.step({
      name,
      fn: (context) => run(fixture, stepIn(context)),
      ...UNWATCHED,
    });
    if (!ok) failed.push(name);
    await fixture.closePages();
  }
  if (failed.length > 0) {
    await fixture.printLogs();
    throw new Error(`failed: ${failed.join("; ")}`);
  }
  return fixture.stack.folder;
}

/** Steps may run at the same time, and parts live longer than the step that starts them. */
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

async function setUp(pages: boolean): Promise<SharedFixture> {
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
      // The second proxy's pages too.
      centrifugo: { CENTRIFUGO_CLIENT_ALLOWED_ORIGINS: origins.join(" ") },
    },
  });
  return new SharedFixture(stack, pages, `127.0.0.1:${other}`);
}

class SharedFixture implements ChatFixture, AsyncDisposable {
  #browser: Promise<Browser> | null = null;

  constructor(
    readonly stack: Stack,
    readonly pages: boolean,
    /** Where the second proxy listens: Centrifugo accepts its pages. */
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
    const config = join(EXAMPLE, "sameorigin", "config.yaml");
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

  /** Starts parts that a failed scenario has left stopped. */
  async startStopped(): Promise<void> {
    for (const part of PARTS) {
      if (part === "frontend" && !this.pages) continue;
      if (this.stack.pid(part) === null) await this.stack.start(part);
    }
  }

  /** Closes all pages: nobody is online any more. */
  async closePages(): Promise<void> {
    const contexts = (await this.#browser)?.contexts() ?? [];
    await Promise.all(contexts.map((it) => it.close()));
  }

  async printLogs(): Promise<void> {
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
