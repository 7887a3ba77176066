/**
 * sameorigin as a process of its own, with the permissions of the executable.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { PROXY_FLAGS } from "../../tools/proxy_flags.ts";
import { denoArguments } from "../../tools/with_std.ts";

/** How the process is started. */
export interface ProcessOptions {
  /** The working directory. */
  cwd?: string;
  env?: Record<string, string>;
  /** What it reads from standard input. */
  stdin?: string;
  /** More permissions: `--allow-write`. */
  permissions?: readonly string[];
  /** A module in place of `main.ts`. */
  module?: string;
  /** Whether nobody reads the standard output. */
  unread?: boolean;
  /** How many files it may have open (`ulimit -n`). */
  openFiles?: number;
}

/** What a process leaves behind. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A process that is running. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  /**
   * Resolves with the match once standard error (or output) holds the pattern.
   *
   * @throws {Error} with all output if it ends without.
   */
  until(
    pattern: RegExp,
    stream?: "stdout" | "stderr",
  ): Promise<RegExpExecArray>;
  kill(signal: Deno.Signal): void;
  readonly ended: Promise<Outcome>;
}

const ROOT = new URL("../../", import.meta.url);

/** The command that starts sameorigin, before its own arguments. */
export async function sameoriginCommand(
  { permissions = [], module }: Pick<
    ProcessOptions,
    "permissions" | "module"
  > = {},
): Promise<string[]> {
  const args = await denoArguments("run", [
    "--quiet",
    `--config=${fileURLToPath(new URL("deno.json", ROOT))}`,
    // Of a flag and the same one with a list, Deno takes the list.
    ...PROXY_FLAGS.filter((flag) => !permissions.includes(flag.split("=")[0]!)),
    ...permissions,
    module ?? fileURLToPath(new URL("main.ts", ROOT)),
  ]);
  return [Deno.execPath(), ...args];
}

/** Starts sameorigin. Disposing kills what is left of it. */
export async function startSameorigin(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const limit = options.openFiles === undefined
    ? []
    : ["sh", "-c", `ulimit -n ${options.openFiles}; exec "$@"`, "sh"];
  const [program = "", ...before] = [
    ...limit,
    ...await sameoriginCommand(options),
  ];
  const child = new Deno.Command(program, {
    args: [...before, ...args],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { NO_COLOR: "", ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = new Collected(
    options.unread ? ReadableStream.from<Uint8Array>([]) : child.stdout,
  );
  const stderr = new Collected(child.stderr);
  const writer = child.stdin.getWriter();
  const fed = (async () => {
    try {
      await writer.write(new TextEncoder().encode(options.stdin ?? ""));
      await writer.close();
    } catch {
      // It has ended without reading it.
    }
  })();
  const ended = (async () => {
    const [{ code }] = await Promise.all([
      child.status,
      stdout.ended,
      stderr.ended,
      fed,
    ]);
    if (options.unread) await child.stdout.cancel();
    return { code, stdout: stdout.text, stderr: stderr.text };
  })();
  return {
    pid: child.pid,
    ended,
    until: (pattern, stream = "stderr") =>
      (stream === "stdout" ? stdout : stderr).until(
        pattern,
        () => `stdout:\n${stdout.text}\nstderr:\n${stderr.text}`,
      ),
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await ended;
    },
  };
}

/** Where it says that it listens: `http://127.0.0.1:PORT`. */
export async function urlOf(running: RunningProcess): Promise<string> {
  const [, port] = await running.until(/http:\/\/localhost:(\d+)/);
  return `http://127.0.0.1:${port}`;
}

/** Runs sameorigin to its end. */
export async function sameorigin(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<Outcome> {
  await using running = await startSameorigin(args, options);
  return await running.ended;
}

/** A stream's text as it comes. */
class Collected {
  text = "";
  readonly ended: Promise<void>;
  #done = false;
  #news = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  async until(
    pattern: RegExp,
    all: () => string,
  ): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (this.#done) throw new Error(`ended without ${pattern}\n${all()}`);
      await this.#news.promise;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#tell();
    }
    this.#done = true;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}
