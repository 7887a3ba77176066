/**
 * Shows that bodies are streamed and not collected: sends 1 GiB up and 1 GiB
 * down through a proxy in its own process, compares the hashes of what was sent
 * and what arrived, and watches the proxy's resident memory.
 *
 * Linux only (`/proc`). Exit code 1 if a byte is lost or memory grows by 64 MiB
 * or more.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { PROXY_FLAGS } from "../tools/proxy_flags.ts";
import { denoArguments } from "../tools/with_std.ts";
import { residentMiB, watchResident } from "./resident.ts";

const GIB = 1024 ** 3;
const LIMIT_MIB = 64;
const BLOCK = crypto.getRandomValues(new Uint8Array(65536));

/** `size` bytes, no block like another, hashed as they are taken. */
function source(size: number, hash: Hash): ReadableStream<Uint8Array> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const block = BLOCK.slice(0, Math.min(left, BLOCK.length));
      new DataView(block.buffer).setFloat64(0, left);
      hash.update(block);
      left -= block.length;
      controller.enqueue(block);
    },
  }, { highWaterMark: 0 });
}

/** Reads a body to its end. */
async function hashOf(body: ReadableStream<Uint8Array> | null) {
  const hash = createHash("sha256");
  for await (const chunk of body ?? []) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * POSTs a body of 1 GiB with a Content-Length, as browsers do, and gives the
 * body of the answer. `fetch` would send it chunked.
 */
async function upload(url: URL, body: ReadableStream<Uint8Array>) {
  using conn = await Deno.connect({
    hostname: url.hostname,
    port: Number(url.port),
  });
  const head = `POST / HTTP/1.1\r\nhost: ${url.host}\r\n` +
    `content-length: ${GIB}\r\nconnection: close\r\n\r\n`;
  await conn.write(new TextEncoder().encode(head));
  for await (const block of body) {
    for (let at = 0; at < block.length;) {
      at += await conn.write(block.subarray(at));
    }
  }
  const answer = await new Response(conn.readable).text();
  return answer.slice(answer.indexOf("\r\n\r\n") + 4).match(/[0-9a-f]{64}/)
    ?.[0] ??
    answer;
}

const down = createHash("sha256");
await using upstream = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  async (request) =>
    new Response(
      request.method === "POST"
        ? await hashOf(request.body)
        : source(GIB, down),
    ),
);

const config = await Deno.makeTempFile({ suffix: ".yaml" });
await Deno.writeTextFile(
  config,
  `listen: 127.0.0.1:0
client_max_body_size: 0
locations: {/: "http://127.0.0.1:${upstream.addr.port}"}
`,
);
const main = new URL("../main.ts", import.meta.url).pathname;
const proxy = new Deno.Command(Deno.execPath(), {
  args: await denoArguments("run", [...PROXY_FLAGS, main, "-c", config]),
  stdin: "null",
  stdout: "null",
  stderr: "piped",
}).spawn();

/** The address in the proxy's start-up block. */
async function address(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const url = /http:\/\/localhost:\d+/.exec(text)?.[0];
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

let failed = false;
try {
  const url = await address(proxy.stderr);
  // The first requests load code and make pools; they are not what is measured.
  await (await fetch(url, { method: "POST", body: "warm" })).text();
  const runs: [name: string, run: () => Promise<[string, string]>][] = [
    ["1 GiB up", async () => {
      const up = createHash("sha256");
      const text = await upload(new URL(url), source(GIB, up));
      return [text, up.digest("hex")];
    }],
    ["1 GiB down", async () => {
      const response = await fetch(url);
      return [await hashOf(response.body), down.digest("hex")];
    }],
  ];
  console.log("            before   peak  growth  every byte");
  for (const [name, run] of runs) {
    const before = await residentMiB(proxy.pid);
    using watch = watchResident(proxy.pid);
    const [arrived, sent] = await run();
    const growth = watch.peak - before;
    const whole = arrived === sent;
    failed ||= !whole || growth >= LIMIT_MIB;
    const mib = (n: number) => n.toFixed(0).padStart(3) + " MiB";
    console.log(
      `${name.padEnd(10)}  ${mib(before)}  ${mib(watch.peak)}  ${mib(growth)}` +
        `  ${whole ? "yes" : "NO"}`,
    );
  }
} finally {
  proxy.kill("SIGTERM");
  await proxy.status;
  await Deno.remove(config);
}
if (failed) Deno.exit(1);
