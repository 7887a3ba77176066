/**
 * The proxy in a process of its own, to be measured from outside.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { denoArguments } from "../tools/with_std.ts";

export interface ProxyProcess extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly pid: number;
}

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const PERMISSIONS = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-env",
];

/**
 * Starts the proxy.
 *
 * @param yaml Its config, which says `listen: 127.0.0.1:0`.
 */
export async function startProxyProcess(yaml: string): Promise<ProxyProcess> {
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(config, yaml);
  const child = new Deno.Command(Deno.execPath(), {
    args: await denoArguments("run", [...PERMISSIONS, MAIN, "-c", config]),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const end = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
    await child.status;
    await Deno.remove(config);
  };
  try {
    const url = await addressIn(child.stderr);
    return { url, pid: child.pid, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The address in the proxy's start-up block. */
async function addressIn(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  while (true) {
    const url = /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(text)?.[0];
    if (url !== undefined) {
      // Read on, or a full pipe would stop the proxy.
      (async () => {
        while (!(await reader.read()).done);
      })();
      return url.replace("localhost", "127.0.0.1");
    }
    const { value, done } = await reader.read();
    if (done) throw new Error(`the proxy did not start:\n${text}`);
    text += value;
  }
}
