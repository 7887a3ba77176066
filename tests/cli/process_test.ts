/**
 * sameorigin as a process: what it prints where, and what it exits with.
 *
 * @module
 */
import { stripVTControlCharacters } from "node:util";
import assert from "node:assert/strict";
import { join } from "node:path";
import { STARTER } from "../../lib/cli/init.ts";
import { VERSION } from "../../lib/cli/version.ts";
import {
  sameorigin,
  sameoriginCommand,
  startSameorigin,
  urlOf,
} from "../support/process.ts";
import { rawUpstream } from "../support/raw_upstream.ts";
import { testNeeding } from "../support/skip.ts";
import { command } from "../support/terminal.ts";

/** There are no signals there that a process could be sent. */
const ignore = Deno.build.os === "windows";

const ANY_PORT = ["--listen", "127.0.0.1:0"];

/** An empty working directory. */
async function withDirectory(
  test: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The end of the block that it starts with. */
const STARTED = /\n\n.*\n\n(.+\n)+\n/;

Deno.test({
  name: "run says where it listens and what goes where, logs to standard " +
    "output, and ends with 0 at SIGTERM",
  ignore,
  fn: () =>
    withDirectory(async (directory) => {
      await using upstream = rawUpstream(async (connection) => {
        await connection.readHead();
        await connection.write(
          "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        );
      });
      const address = `127.0.0.1:${upstream.port}`;
      await Deno.writeTextFile(
        join(directory, "config.yaml"),
        `upstreams: {backend: ["${address}", localhost:1234]}
locations:
  /api: http://backend
  /: http://${address}
`,
      );
      await using running = await startSameorigin(ANY_PORT, { cwd: directory });
      const url = await urlOf(running);
      const response = await fetch(`${url}/hello`);
      assert.equal(await response.text(), "hi");
      running.kill("SIGTERM");
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      assert.match(
        stdout,
        /^127\.0\.0\.1 - - \[.*\] "GET \/hello HTTP\/1\.1" 200 2 .*\n$/,
      );
      assert.equal(
        stderr,
        `sameorigin ${VERSION}, config.yaml

  ${url.replace("127.0.0.1", "localhost")}

  /api  ${
          "http://backend".padEnd(7 + address.length)
        }  ${address}, localhost:1234
  /     http://${address}

SIGTERM: waiting for requests in flight, for at most 30 s (a second signal stops at once)
`,
      );
    }),
});

Deno.test({
  name: "without a config.yaml it runs with the built-in one, and says so",
  ignore,
  fn: () =>
    withDirectory(async (directory) => {
      await using running = await startSameorigin(
        ["run", ...ANY_PORT, "--log-format", "off"],
        { cwd: directory },
      );
      const [block] = await running.until(STARTED);
      assert.match(
        block,
        /\n {2}\/connection\/websocket {2}http:\/\/centrifugo/,
      );
      running.kill("SIGINT");
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0);
      assert.equal(stdout, "");
      assert(
        stderr.startsWith(`sameorigin ${VERSION}, built-in config.yaml\n`),
        stderr,
      );
    }),
});

/** A program that is sameorigin but for bugs of its own. */
function withBugs(bugs: string): string {
  const lib = new URL("../../lib/cli/", import.meta.url).href;
  const source = `
    import { dispatch } from "${lib}dispatch.ts";
    import { systemTerminal } from "${lib}terminal.ts";
    ${bugs}
    Deno.exit(await dispatch(Deno.args, systemTerminal()));`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

Deno.test({
  name: "a bug while it runs is reported, and does not end the process",
  ignore,
  fn: async () => {
    const module = withBugs(`
      Deno.addSignalListener("SIGUSR1", () => {
        Promise.reject(new Error("nobody waits for this"));
        throw new Error("nobody catches this");
      });`);
    await using running = await startSameorigin(
      ["--to", "/=127.0.0.1:81", ...ANY_PORT],
      { module },
    );
    const url = await urlOf(running);
    running.kill("SIGUSR1");
    await running.until(/internal error: Error: nobody catches this\n/);
    await running.until(/internal error: Error: nobody waits for this\n/);
    const response = await fetch(`${url}/%zz`);
    assert.equal(response.status, 400);
    await response.body?.cancel();
    running.kill("SIGTERM");
    assert.equal((await running.ended).code, 0);
  },
});

Deno.test("a bug in a command is exit code 1, with what to report", async () => {
  const module = withBugs(
    `Deno.permissions.querySync = () => { throw new RangeError("oh"); };`,
  );
  const { code, stdout, stderr } = await sameorigin(["init"], { module });
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^sameorigin: internal error: RangeError: oh\n {4}at /);
  assert.match(stderr, /\nThis is a bug in sameorigin\. Please report it/);
  assert(stderr.includes(`Version: sameorigin ${VERSION} (deno `), stderr);
});

Deno.test("a port that is in use is said with another to choose, and exit code 1", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const { code, stdout, stderr } = await sameorigin(
    ["--to", "/=localhost:5173", "--listen", `127.0.0.1:${port}`],
  );
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.equal(
    stderr,
    `sameorigin: port ${port} is in use on 127.0.0.1: choose another with ` +
      `--listen 127.0.0.1:${port + 1}\n`,
  );
});

Deno.test("a mistake in the command line is exit code 2 and nothing is started", async () => {
  const { code, stdout, stderr } = await sameorigin(["--lissten", "9001"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /^sameorigin: there is no option "--lissten" .*\n.*\n$/);
});

Deno.test("a config comes through standard input, with the environment's values", async () => {
  const options = { stdin: "locations:\n  /: http://${TARGET}\n" };
  const good = await sameorigin(["check", "-c", "-"], {
    ...options,
    env: { TARGET: "a:81" },
  });
  assert.deepEqual(good, {
    code: 0,
    stdout: "standard input: ok, 1 server, 1 location, 1 upstream\n",
    stderr: "",
  });
  const bad = await sameorigin(["check", "-c", "-"], {
    ...options,
    env: { TARGET: "" },
  });
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /^standard input: locations\["\/"\]: /);
});

Deno.test("init without the permission to write prints, and writes nothing", () =>
  withDirectory(async (cwd) => {
    const outcome = await sameorigin(["init"], { cwd });
    assert.deepEqual(outcome, { code: 0, stdout: STARTER, stderr: "" });
    assert.deepEqual([...Deno.readDirSync(cwd)], []);
  }));

Deno.test("init with that permission writes, but never over a file", () =>
  withDirectory(async (cwd) => {
    const options = { cwd, permissions: ["--allow-write"] };
    const file = join(cwd, "config.yaml");
    assert.deepEqual(await sameorigin(["init"], options), {
      code: 0,
      stdout: "",
      stderr: "config.yaml is written. Next: sameorigin check\n",
    });
    assert.equal(await Deno.readTextFile(file), STARTER);
    await Deno.writeTextFile(file, "mine");
    assert.deepEqual(await sameorigin(["init"], options), {
      code: 1,
      stdout: "",
      stderr: "sameorigin: config.yaml is not written: it already exists\n",
    });
    assert.equal(await Deno.readTextFile(file), "mine");
  }));

testNeeding(
  ["script"],
  "colours are for terminals, unless NO_COLOR is set",
  async () => {
    const quoted = (await sameoriginCommand()).map((word) => `'${word}'`);
    const onTerminal = async (noColor: string) => {
      const { stdout } = await new Deno.Command("script", {
        args: ["-qec", [...quoted, "help", "check"].join(" "), "/dev/null"],
        env: { NO_COLOR: noColor, TERM: "xterm" },
        stdin: "null",
      }).output();
      return new TextDecoder().decode(stdout).replaceAll("\r\n", "\n");
    };
    const plain = (await command("help", "check")).output;
    const coloured = await onTerminal("");
    assert(coloured.includes("\x1b[1m"));
    assert.equal(await onTerminal("1"), plain);
    // Nothing but the marks differs.
    assert.equal(stripVTControlCharacters(coloured), plain);
  },
);
