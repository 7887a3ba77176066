/**
 * The servers of failover.ts: processes that can be killed, stopped and told
 * how to behave, and what they say that they did.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const MODULE = fileURLToPath(new URL("failover_server.ts", import.meta.url));

/** One of them; it keeps its port when it is started again. */
export class FailingServer {
  port = 0;
  #child: Deno.ChildProcess | null = null;
  #input: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #reading: Promise<void> = Promise.resolve();

  /** @param did Hears the id of each POST that it has done. */
  constructor(readonly name: string, readonly did: (id: string) => void) {}

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-config",
        "--allow-net",
        MODULE,
        this.name,
        String(this.port),
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#child = child;
    this.#input = child.stdin.getWriter();
    const listening = Promise.withResolvers<void>();
    this.#reading = this.#read(child.stdout, listening.resolve)
      .finally(() => listening.reject(new Error(`server ${this.name} ended`)));
    await listening.promise;
  }

  behave(manner: "well" | "reset" | "500"): Promise<void> {
    return this.#input!.write(new TextEncoder().encode(manner + "\n"));
  }

  signal(signal: Deno.Signal): void {
    this.#child!.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    child.kill("SIGKILL");
    await this.#input?.abort().catch(() => {});
    await Promise.all([child.status, this.#reading]);
  }

  async #read(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    listening: () => void,
  ): Promise<void> {
    let text = "";
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const [what, value = ""] = line.split(" ");
        if (what === "did") this.did(value);
        if (what !== "listening") continue;
        this.port = Number(value);
        listening();
      }
    }
  }
}

/** Servers that are running. */
export interface FailingServers extends AsyncDisposable {
  readonly all: readonly FailingServer[];
  /** How often each POST was done, by all of them together. */
  done(): ReadonlyMap<string, number>;
}

/** Starts servers of these names. */
export async function startFailing(
  names: readonly string[],
): Promise<FailingServers> {
  const done = new Map<string, number>();
  const all = names.map((name) =>
    new FailingServer(name, (id) => done.set(id, (done.get(id) ?? 0) + 1))
  );
  const end = async () => {
    await Promise.all(all.map((server) => server.kill()));
  };
  try {
    await Promise.all(all.map((server) => server.start()));
  } catch (error) {
    await end();
    throw error;
  }
  return { all, done: () => done, [Symbol.asyncDispose]: end };
}
