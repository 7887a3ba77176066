/**
 * The proxy in a process of its own, to be measured from outside.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { PROXY_FLAGS } from "../tools/proxy_flags.ts";
import { denoArguments } from "../tools/with_std.ts";

export interface ProxyProcess extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly pid: number;
  /** The path of its config. */
  readonly config: string;
}

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/**
 * Starts the proxy.
 *
 * @param yaml Its config, which says `listen: 127.0.0.1:0`.
 * @param hear Gets what it says after that it has started.
 */
export async function startProxyProcess(
  yaml: string,
  hear: (text: string) => void = () => {},
): Promise<ProxyProcess> {
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(config, yaml);
  const child = new Deno.Command(Deno.execPath(), {
    args: await denoArguments("run", [...PROXY_FLAGS, MAIN, "-c", config]),
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
    const url = await addressIn(child.stderr, hear);
    return { url, pid: child.pid, config, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The address in the proxy's start-up block. */
async function addressIn(
  stderr: ReadableStream<Uint8Array>,
  hear: (text: string) => void,
): Promise<string> {
  let text = "";
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  while (true) {
    const url = /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(text)?.[0];
    if (url !== undefined) {
      // Read on, or a full pipe would stop the proxy.
      (async () => {
        while (true) {
          const { value, done } = await reader.read();
          if (done) return;
          hear(value);
        }
      })();
      return url.replace("localhost", "127.0.0.1");
    }
    const { value, done } = await reader.read();
    if (done) throw new Error(`the proxy did not start:\n${text}`);
    text += value;
  }
}
