/**
 * Vite's development server, in the version that a test asks for.
 *
 * @module
 */
import { join } from "node:path";
import {
  fingerprint,
  hasNote,
  leaveNote,
} from "../../tools/stack/fingerprint.ts";
import { statusOf } from "../../tools/stack/answer.ts";
import { locked } from "../../tools/stack/lock.ts";
import { CACHE, FRONTEND } from "../../tools/stack/places.ts";
import { freePorts } from "../../tools/stack/ports.ts";
import { ProcessGroup } from "../../tools/stack/process_group.ts";
import { findNode, findNpm } from "../../tools/stack/programs.ts";
import { runToEnd, tail } from "../../tools/stack/run_to_end.ts";
import { findProgram } from "./skip.ts";
import { testReport } from "./stack.ts";

/** Milliseconds that Vite may take until it answers. */
const START_TIMEOUT = 120_000;

/** Milliseconds between two questions to a Vite that is starting. */
const START_DELAY = 50;

/** What this machine lacks to run Vite; null if nothing. */
export async function whyNoVite(): Promise<string | null> {
  const findings = await Promise.all([findNode(), findNpm()]);
  const lacks = findings.flatMap((it) => "lack" in it ? [it.lack] : []);
  if (lacks.length === 0) return null;
  return lacks.map((it) => `${it.tool} (${it.wanted}): ${it.found}`).join(", ");
}

/** The version of Vite that `examples/chat` has. */
export async function chatViteVersion(): Promise<string> {
  const text = await Deno.readTextFile(join(FRONTEND, "package.json"));
  return JSON.parse(text).devDependencies.vite;
}

/**
 * Installs Vite from npm, once.
 *
 * @returns Its folder.
 * @throws {CommandFailed} where npm can't install it.
 */
async function installVite(version: string): Promise<string> {
  const folder = join(CACHE, `vite-${version}`);
  const note = join(folder, ".sameorigin");
  const wanted = JSON.stringify({
    private: true,
    dependencies: { vite: version },
  });
  const key = await fingerprint(wanted);
  await locked(`vite-${version}`, async () => {
    if (await hasNote(note, key)) return;
    await testReport.step(`Vite ${version} (npm)`, async () => {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(join(folder, "package.json"), wanted);
      await runToEnd({
        program: findProgram("npm") ?? "npm",
        args: ["install", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd: folder,
        env: {},
      }, new AbortController().signal);
      await leaveNote(note, key);
    });
  });
  return join(folder, "node_modules", "vite");
}

/** A project that shows one word, which can be edited, and Vite that serves it. */
export class Vite implements AsyncDisposable {
  #group: ProcessGroup | null = null;
  #configs = 0;

  private constructor(
    readonly vite: string,
    readonly folder: string,
    readonly port: number,
  ) {}

  /**
   * Makes the project in a temporary folder and starts Vite.
   *
   * @throws {CommandFailed} where npm can't install this version.
   */
  static async start(version: string): Promise<Vite> {
    const installed = await installVite(version);
    const [port = 0] = await freePorts(1);
    const vite = new Vite(installed, await Deno.makeTempDir(), port);
    await vite.#write(
      "index.html",
      '<!doctype html><p id="word"></p><script type="module" src="/main.js"></script>',
    );
    await vite.edit("first");
    await vite.editConfig();
    try {
      await vite.start();
    } catch (error) {
      await vite[Symbol.asyncDispose]();
      throw error;
    }
    return vite;
  }

  /** Starts Vite, which must be stopped; resolves when it answers. */
  async start(): Promise<void> {
    const { vite, folder, port } = this;
    const log = join(folder, "vite.log");
    const group = this.#group = new ProcessGroup({
      program: "node",
      args: [join(vite, "bin", "vite.js"), "--port", `${port}`, "--strictPort"],
      cwd: folder,
      env: { CI: "1" },
    }, log);
    const ended = group.ended.then(() => true);
    const until = performance.now() + START_TIMEOUT;
    while (!await this.#answers()) {
      const pause = new Promise<false>((resolve) =>
        setTimeout(resolve, START_DELAY, false)
      );
      if (await Promise.race([ended, pause]) || performance.now() > until) {
        const words = await Deno.readTextFile(log);
        throw new Error(`Vite does not answer:\n${tail(words)}`);
      }
    }
  }

  async stop(): Promise<void> {
    await this.#group?.stop();
    this.#group = null;
  }

  /** Has the page show another word. */
  edit(word: string): Promise<void> {
    return this.#write(
      "main.js",
      `document.querySelector("#word").textContent = ${
        JSON.stringify(word)
      };\n`,
    );
  }

  /** Changes the config, upon which Vite restarts itself. */
  editConfig(): Promise<void> {
    return this.#write(
      "vite.config.ts",
      `export default { server: { host: "127.0.0.1" }, ` +
        `define: { CONFIG: ${this.#configs++} } };\n`,
    );
  }

  #write(name: string, text: string): Promise<void> {
    return Deno.writeTextFile(join(this.folder, name), text);
  }

  async #answers(): Promise<boolean> {
    try {
      const path = "/@vite/client";
      return await statusOf(`127.0.0.1:${this.port}`, { path }) === 200;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}
