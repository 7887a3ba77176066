/**
 * Servers that compress when they are asked to: what they compressed reaches the
 * client as it is. Some read only the first Accept-Encoding field, or the whole
 * of it in their own way, so it must arrive as the client wrote it.
 */
import { ok, strictEqual as equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { startNginx } from "../support/nginx.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { findProgram, testNeeding, testUnless } from "../support/skip.ts";
import { bytesOf } from "../transport/scripted_conn.ts";

const TEXT = "one line of many\n".repeat(4_000);

/** What Chromium sends. */
const ACCEPTED = "gzip, deflate, br, zstd";

/** The path of a file of the servers. */
const pathOf = (name: string) =>
  fileURLToPath(new URL(`./compressing_server/${name}`, import.meta.url));

/** A server that prints its port, and ends with its standard input. */
async function startPrinting(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ port: number } & AsyncDisposable> {
  const process = new Deno.Command(program, {
    args: [...args],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = process.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  let line = "";
  while (!line.includes("\n")) {
    const { value, done } = await output.read();
    if (done) throw new Error(`${program} has ended without saying its port`);
    line += value;
  }
  return {
    port: Number(line),
    async [Symbol.asyncDispose]() {
      await process.stdin.close();
      await output.cancel();
      await process.status;
    },
  };
}

/** Asks as a browser does, straight and through the proxy. */
async function compare(
  port: number,
  coding: "gzip" | "br" = "gzip",
): Promise<void> {
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${port}` },
  });
  const request = `GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n` +
    `accept-encoding: ${ACCEPTED}\r\nconnection: close\r\n\r\n`;
  const straight = parse(await rawExchange(port, request));
  const through = parse(await rawExchange(proxy.port, request));
  equal(straight.coding, coding, "from the server itself");
  equal(through.coding, coding);
  const decompress = coding === "br" ? brotliDecompressSync : gunzipSync;
  equal(through.body.length, straight.body.length);
  equal(new TextDecoder().decode(decompress(through.body)), TEXT);
  ok(through.body.length < TEXT.length / 10, `${through.body.length} bytes`);
}

/** The coding and the body of an answer. */
function parse(answer: string) {
  const end = answer.indexOf("\r\n\r\n");
  const head = answer.slice(0, end);
  let body = answer.slice(end + 4);
  if (/^transfer-encoding: chunked\r?$/im.test(head)) body = dechunked(body);
  const coding = /^content-encoding: (.*?)\r?$/im.exec(head)?.[1];
  return { coding, body: bytesOf(body) };
}

function dechunked(text: string): string {
  let body = "";
  for (let at = 0;;) {
    const end = text.indexOf("\r\n", at);
    const size = parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

testNeeding(["nginx"], "what nginx compresses arrives compressed", async () => {
  await using nginx = await startNginx(
    `gzip on; gzip_types text/plain; gzip_proxied any;
     server { listen 127.0.0.1:PORT; root DIR; default_type text/plain; index text; }`,
    { text: TEXT },
  );
  await compare(nginx.port);
});

testNeeding(
  ["go"],
  "what a server in Go compresses arrives compressed",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const program = `${folder}/server`;
      const built = await new Deno.Command("go", {
        args: ["build", "-o", program, pathOf("main.go")],
        stdin: "null",
        stdout: "inherit",
        stderr: "inherit",
      }).output();
      ok(built.success, "go build");
      await using server = await startPrinting(program, []);
      await compare(server.port);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

testUnless(
  whyNoStarlette(),
  "what Starlette compresses arrives compressed",
  async () => {
    await using server = await startPrinting("python3", [pathOf("server.py")]);
    await compare(server.port);
  },
);

function whyNoStarlette(): string | null {
  const python = findProgram("python3");
  if (python === undefined) return "python3 not installed";
  const found = new Deno.Command(python, {
    args: ["-c", "import starlette, uvicorn"],
    stdout: "null",
    stderr: "null",
  }).outputSync().success;
  return found ? null : "Python's starlette and uvicorn not installed";
}

Deno.test("what Express compresses arrives compressed", async () => {
  await using server = await startPrinting(Deno.execPath(), [
    "run",
    "--quiet",
    "-A",
    pathOf("server.mjs"),
  ]);
  await compare(server.port, "br");
});
