/**
 * The finished executable, run as its users run it. It is the one that
 * `SAMEORIGIN_BINARY` names, or is compiled here if Deno has the base
 * executable for that in its cache, as it has after `deno task compile`. CI
 * that can't download it has none: these tests are then skipped everywhere.
 *
 * @module
 */
import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { freePort } from "../support/free_port.ts";

const ROOT = new URL("../../", import.meta.url);

const WINDOWS = Deno.build.os === "windows";

/** Whether `deno compile` would work without a download. */
async function baseIsCached(): Promise<boolean> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  const release = `release/v${Deno.version.deno}`;
  const file = `${denoDir}/dl/${release}/denort-${Deno.build.target}.zip`;
  try {
    return (await Deno.stat(file)).isFile;
  } catch {
    return false;
  }
}

const given = Deno.env.get("SAMEORIGIN_BINARY");
const ignore = given === undefined && !await baseIsCached();
if (ignore) {
  console.log(
    "skipped: the finished executable (no base executable for deno compile " +
      "is cached, and SAMEORIGIN_BINARY names no executable)",
  );
}

/** The executable, in a directory of its own where nothing else is. */
async function executable() {
  const dir = await Deno.makeTempDir();
  let path = given;
  if (path === undefined) {
    path = `${dir}/sameorigin${WINDOWS ? ".exe" : ""}`;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "tools/compile.ts", "--output", path],
      cwd: ROOT,
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
  const home = `${dir}/home`;
  await Deno.mkdir(home);
  return {
    home,
    command: (...args: string[]) =>
      new Deno.Command(path, {
        args,
        cwd: home,
        // All places a program may leave something in are this directory.
        env: { HOME: home, TMPDIR: home, TEMP: home, TMP: home, NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test({
  name: "the executable runs from its built-in config, proxies and ends",
  ignore,
  async fn(t) {
    await using sameorigin = await executable();

    await t.step("it says its version", async () => {
      const { code, stdout } = await sameorigin.command("version").output();
      assert.equal(code, 0);
      assert.match(text(stdout), new RegExp(`^sameorigin ${config.version} `));
    });

    await t.step("its built-in config is right", async () => {
      const { code, stderr } = await sameorigin.command("check").output();
      assert.equal(code, 0, text(stderr));
    });

    await t.step("it proxies, is alive, and ends when asked to", async () => {
      await using upstream = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen() {} },
        (request) => new Response(`for ${request.headers.get("host")}`),
      );
      const port = freePort();
      const address = `127.0.0.1:${port}`;
      const process = sameorigin.command(
        "--listen",
        address,
        "--to",
        `/=127.0.0.1:${upstream.addr.port}`,
      ).spawn();
      const log = new Response(process.stdout).text();
      using _end = ending(process, 20_000);
      let notes = "";
      for await (
        const part of process.stderr.pipeThrough(new TextDecoderStream())
      ) {
        notes += part;
        if (!notes.includes(`:${port}`)) continue;
        notes = "";
        const response = await fetch(`http://${address}/`);
        assert.equal(await response.text(), `for ${address}`);
        const health = sameorigin.command("health", "--listen", address);
        assert.equal((await health.output()).code, 0);
        process.kill(WINDOWS ? "SIGKILL" : "SIGTERM");
      }
      const { code } = await process.status;
      const lines = await log;
      // Windows has no signal that asks.
      if (WINDOWS) return;
      assert.equal(code, 0);
      assert.match(lines, /"GET \/ HTTP\/1\.1" 200/);
    });

    await t.step("it has written nothing", async () => {
      assert.deepEqual(
        await Array.fromAsync(Deno.readDir(sameorigin.home)),
        [],
      );
    });
  },
});

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
