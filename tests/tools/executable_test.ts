/**
 * The finished executable, run as its users run it. A release runs this on
 * every platform, with the very file that it publishes.
 *
 * @module
 */
import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { echoClient, echoUpstream } from "../support/echo.ts";
import { rawExchange } from "../support/raw_upstream.ts";
import { type Executable, findExecutable } from "./executable.ts";

const WINDOWS = Deno.build.os === "windows";

/** Only there threads can share a port. */
const WORKERS = Deno.build.os === "linux" ? 2 : 1;

/** Enough that no worker is likely to get none. */
const CLIENTS = 16;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("the executable serves with two workers, reloads, and ends, and writes nothing", async (t) => {
  await using sameorigin = await findExecutable();
  console.log(`the executable: ${sameorigin.origin}`);

  await t.step("it says its version", async () => {
    const { code, stdout, stderr } = await sameorigin.command("version")
      .output();
    assert.equal(code, 0, text(stderr));
    assert.match(text(stdout), new RegExp(`^sameorigin ${config.version} `));
  });

  await t.step("its built-in config is right", async () => {
    const { code, stdout, stderr } = await sameorigin.command("check").output();
    assert.equal(code, 0, text(stderr));
    assert.match(text(stdout), /built-in config\.yaml/);
  });

  await t.step(
    "HTTP, WebSockets, a reload that keeps them, and the end",
    () => serves(sameorigin),
  );

  await t.step("it has written nothing", async () => {
    assert.deepEqual(await Array.fromAsync(Deno.readDir(sameorigin.home)), []);
  });
});

async function serves(sameorigin: Executable): Promise<void> {
  await using echo = echoUpstream();
  // Long enough for the proxy to look after its client.
  await using slow = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return new Response("slow");
    },
  );
  const file = `${sameorigin.files}/config.yaml`;
  const write = (location: string) =>
    Deno.writeTextFile(
      file,
      `listen: 127.0.0.1:0\nworkers: ${WORKERS}\nwebsocket_drain: 100ms\n` +
        `locations:\n  ${location}: http://127.0.0.1:${echo.port}\n` +
        `  /slow: http://127.0.0.1:${slow.addr.port}\n`,
    );
  await write("/first");
  const process = sameorigin.command("run", "-c", file).spawn();
  using _end = ending(process, 60_000);
  const log = new Response(process.stdout).text();
  const { port, rest } = await started(process);
  const ask = (path: string) =>
    rawExchange(
      port,
      `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    );

  assert.match(await ask("/first"), /^HTTP\/1\.1 200 [^]*\r\n\/first$/);
  assert.match(await ask("/second"), /^HTTP\/1\.1 404 /);
  assert.match(await ask("/slow"), /^HTTP\/1\.1 200 [^]*\r\nslow$/);
  const clients = await Promise.all(
    Array.from(
      { length: CLIENTS },
      () => echoClient(`http://127.0.0.1:${port}/first`),
    ),
  );
  const listen = `127.0.0.1:${port}`;
  const health = await sameorigin.command("health", "--listen", listen)
    .output();
  assert.equal(health.code, 0, text(health.stderr));

  await write("/second");
  const reload = await sameorigin
    .command("reload", "-c", file, "--listen", listen).output();
  assert.equal(reload.code, 0, text(reload.stderr));
  // Each is accepted by either worker.
  for (let i = 0; i < CLIENTS; i++) {
    assert.match(await ask("/second"), /^HTTP\/1\.1 200 [^]*\r\n\/second$/);
  }
  assert.match(await ask("/first"), /^HTTP\/1\.1 404 /);
  for (const client of clients) {
    assert.equal(await client.echo("still there"), "still there");
  }

  process.kill(WINDOWS ? "SIGKILL" : "SIGTERM");
  const closed = await Promise.all(clients.map(({ closed }) => closed));
  const { code } = await process.status;
  const messages = await rest;
  const lines = await log;
  // Windows has no signal that asks.
  if (WINDOWS) return;
  assert.deepEqual(
    new Set(closed.map(({ code }) => code)),
    new Set([1012]),
    messages,
  );
  assert.equal(code, 0, messages);
  // Deno's notices are for whoever writes code.
  assert.doesNotMatch(messages, /Deno\./);
  assert.match(lines, /"GET \/first HTTP\/1\.1" 200/);
  assert.match(lines, /"GET \/second HTTP\/1\.1" 200/);
}

/**
 * Waits until it says where it listens.
 *
 * @returns `rest` is all of its standard error, once that has ended.
 */
async function started(
  process: Deno.ChildProcess,
): Promise<{ port: number; rest: Promise<string> }> {
  const reader = process.stderr.pipeThrough(new TextDecoderStream())
    .getReader();
  let messages = "";
  for (;;) {
    const { value, done } = await reader.read();
    assert.ok(!done, messages);
    messages += value;
    const port = /http:\/\/localhost:(\d+)/.exec(messages)?.[1];
    if (port === undefined) continue;
    const rest = (async () => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return messages;
        messages += value;
      }
    })();
    return { port: Number(port), rest };
  }
}

/** Ends a process that has not ended when this is left, or in time. */
function ending(process: Deno.ChildProcess, timeout: number): Disposable {
  const kill = () => {
    try {
      process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  };
  const timer = setTimeout(kill, timeout);
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      kill();
    },
  };
}
