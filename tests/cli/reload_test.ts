/**
 * The running proxy reads its config again: at SIGHUP, when the file changes,
 * and when `sameorigin reload` asks for it. With the executable's permissions.
 *
 * @module
 */
import assert from "node:assert/strict";
import { configProof, sameProof } from "../../lib/cli/reload_protocol.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import {
  type Outcome,
  sameorigin,
  startSameorigin,
  urlOf,
} from "../support/process.ts";
import { rawExchange } from "../support/raw_upstream.ts";

/** There are no signals there that a process could be sent. */
const ignore = Deno.build.os === "windows";

/** A config file in a folder of its own. */
async function configFile(text: string) {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/config.yaml`;
  await Deno.writeTextFile(path, text);
  return {
    dir,
    path,
    write: (text: string) => Deno.writeTextFile(path, text),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** A config with one location of this name. */
const config = (location: string, port: number) =>
  `listen: 127.0.0.1:0\nlocations: {${location}: "http://127.0.0.1:${port}"}\n`;

const BROKEN = "listen: 127.0.0.1:0\nlocation: {}\nlocations: {/: 7}\n";

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

/** How `sameorigin reload` ends. */
const reload = (...args: string[]): Promise<Outcome> =>
  sameorigin(["reload", ...args]);

Deno.test({
  name: "SIGHUP reads the config again, and says in a line what is in effect",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    await using file = await configFile(config("/a", echo.port));
    await using running = await startSameorigin(["-c", file.path]);
    const url = await urlOf(running);
    const client = await echoClient(`${url}/a`);
    await file.write(config("/b", echo.port));
    running.kill("SIGHUP");
    await running.until(
      /^SIGHUP: \S+config\.yaml is in effect: 1 location, read from \S+config\.yaml, modified \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n/m,
    );
    assert.deepEqual(
      [await statusOf(`${url}/a`), await statusOf(`${url}/b`)],
      [404, 200],
    );
    assert.equal(await client.echo("still there"), "still there");
    await client.close();
  },
});

Deno.test({
  name: "what check warns of is said at the start and after a reload, too",
  ignore,
  async fn() {
    await using file = await configFile(config("'~ (a+)+(?=b)'", 81));
    await using running = await startSameorigin(["-c", file.path]);
    await running.until(/: locations\["~ \(a\+\)\+\(\?=b\)"\]: warning: /);
    await urlOf(running);
    await file.write(config("'~ (c+)+(?=d)'", 81));
    running.kill("SIGHUP");
    await running.until(/: locations\["~ \(c\+\)\+\(\?=d\)"\]: warning: /);
  },
});

Deno.test({
  name: "a config with problems changes nothing, and each is named",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    await using file = await configFile(config("/a", echo.port));
    await using running = await startSameorigin(["-c", file.path]);
    const url = await urlOf(running);
    for (const [i, text] of [BROKEN, "", null].entries()) {
      // One more than in the rounds before.
      const again = (words: string) => new RegExp(`(?:${words}[^]*){${i + 1}}`);
      if (text === null) await Deno.remove(file.path);
      else await file.write(text);
      running.kill("SIGHUP");
      await running.until(again("SIGHUP: the proxy keeps running"));
      assert.equal(await statusOf(`${url}/a`), 200);
      await file.write(config("/a", echo.port));
      running.kill("SIGHUP");
      await running.until(again("is in effect"));
    }
    running.kill("SIGTERM");
    const { code, stderr } = await running.ended;
    assert.equal(code, 0);
    const { stderr: checked } = await (async () => {
      await file.write(BROKEN);
      return await sameorigin(["check", "-c", file.path]);
    })();
    assert(stderr.includes(checked), stderr);
    assert.match(stderr, /the file is empty/);
    assert.match(stderr, /there is no file \S+config\.yaml/);
  },
});

Deno.test({
  name: "the built-in config never takes the place of a file that is gone",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    await using file = await configFile(config("/a", echo.port));
    // Not named: it is the one in the working directory.
    await using running = await startSameorigin([], { cwd: file.dir });
    const url = await urlOf(running);
    await Deno.remove(file.path);
    running.kill("SIGHUP");
    await running.until(/keeps running/);
    assert.equal(await statusOf(`${url}/a`), 200);
  },
});

Deno.test({
  name: "without a config file SIGHUP changes nothing, and SIGUSR1 never does",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    const to = `/=127.0.0.1:${echo.port}`;
    await using running = await startSameorigin(
      ["--to", to, "--listen", "127.0.0.1:0"],
    );
    const url = await urlOf(running);
    running.kill("SIGHUP");
    await running.until(/no config file to reload/);
    running.kill("SIGUSR1");
    await running.until(/SIGUSR1: .* no file to reopen/);
    assert.equal(await statusOf(url), 200);
    running.kill("SIGTERM");
    assert.equal((await running.ended).code, 0);
  },
});

Deno.test({
  name: "the log's format and shutdown_timeout are those of the new config",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    const text = config("/", echo.port);
    await using file = await configFile(text);
    await using running = await startSameorigin(["-c", file.path]);
    const url = await urlOf(running);
    await statusOf(`${url}/before`);
    await file.write(`${text}log_format: json\nshutdown_timeout: 3s\n`);
    running.kill("SIGHUP");
    await running.until(/is in effect/);
    await statusOf(`${url}/after`);
    running.kill("SIGTERM");
    const { stdout, stderr } = await running.ended;
    const [before, after] = stdout.trimEnd().split("\n");
    assert.match(before ?? "", /"GET \/before HTTP/);
    assert.equal(JSON.parse(after ?? "").request_uri, "/after");
    assert.match(stderr, /for at most 3 s/);
  },
});

Deno.test("--watch follows a file in all the ways in which it changes", async (t) => {
  await using echo = echoUpstream();
  await using file = await configFile(config("/0", echo.port));
  await using running = await startSameorigin(["-c", file.path, "--watch"]);
  const url = await urlOf(running);
  let edits = 0;
  /** Another config, put there in some way, is in effect at some time. */
  const follows = async (edit: (text: string) => Promise<void>) => {
    edits++;
    await edit(config(`/${edits}`, echo.port));
    const lines =
      `(changed: \\S+ is in effect: 1 location, .*\\n[^]*){${edits}}`;
    await running.until(new RegExp(lines));
    assert.equal(await statusOf(`${url}/${edits}`), 200);
  };

  await t.step("written in place", () => follows(file.write));

  await t.step("another file renamed to it, as editors do, twice", async () => {
    for (let i = 0; i < 2; i++) {
      await follows(async (text) => {
        await Deno.writeTextFile(`${file.path}.new`, text);
        await Deno.rename(`${file.path}.new`, file.path);
      });
    }
  });

  await t.step({
    name: "behind links that are exchanged, as in a Kubernetes volume",
    ignore,
    async fn() {
      await follows(async (text) => {
        await Deno.mkdir(`${file.dir}/..one`);
        await Deno.writeTextFile(`${file.dir}/..one/config.yaml`, text);
        await Deno.symlink("..one", `${file.dir}/..data`);
        await Deno.symlink("..data/config.yaml", `${file.path}.new`);
        await Deno.rename(`${file.path}.new`, file.path);
      });
      await follows(async (text) => {
        await Deno.mkdir(`${file.dir}/..two`);
        await Deno.writeTextFile(`${file.dir}/..two/config.yaml`, text);
        await Deno.symlink("..two", `${file.dir}/..data_new`);
        await Deno.rename(`${file.dir}/..data_new`, `${file.dir}/..data`);
      });
      const last = `${file.dir}/..two/config.yaml`;
      await follows((text) => Deno.writeTextFile(last, text));
      await Deno.remove(last);
      await running.until(/there is no file \S+[^]*changed: the proxy keeps/);
      await follows((text) => Deno.writeTextFile(last, text));
    },
  });

  await t.step("a config with a problem changes nothing", async () => {
    await file.write(BROKEN);
    await running.until(/changed: the proxy keeps running/);
    assert.equal(await statusOf(`${url}/${edits}`), 200);
  });

  await t.step("a file that is touched only is not a change", async () => {
    const text = config("/last", echo.port);
    await file.write(text);
    await running.until(
      /\/config\.yaml is in effect[^]*keeps running[^]*is in effect/,
    );
    await file.write(text);
    await file.write(config("/very_last", echo.port));
    while (await statusOf(`${url}/very_last`) !== 200);
  });
});

Deno.test({
  name:
    "--watch follows a link above the file, and says which file it has read",
  ignore,
  async fn() {
    await using echo = echoUpstream();
    await using file = await configFile("");
    for (const release of [1, 2]) {
      await Deno.mkdir(`${file.dir}/${release}`);
      const path = `${file.dir}/${release}/config.yaml`;
      await Deno.writeTextFile(path, config(`/${release}`, echo.port));
      await Deno.utime(path, 0, new Date(`2026-01-0${release}T12:34:56Z`));
    }
    const current = `${file.dir}/current`;
    await Deno.symlink("1", current);
    const args = ["-c", `${current}/config.yaml`, "--watch"];
    await using running = await startSameorigin(args);
    const url = await urlOf(running);
    await Deno.symlink("2", `${current}.new`);
    await Deno.rename(`${current}.new`, current);
    const [, read] = await running.until(/ in effect: .*, read from (.*)\n/);
    const real = await Deno.realPath(file.dir);
    assert.equal(
      read,
      `${real}/2/config.yaml, modified 2026-01-02 12:34:56 UTC`,
    );
    assert.equal(await statusOf(`${url}/2`), 200);
    await Deno.writeTextFile(`${real}/2/config.yaml`, BROKEN);
    const [, unused] = await running.until(/changed: not used: (.*), modified/);
    assert.equal(unused, `${real}/2/config.yaml`);
  },
});

Deno.test("sameorigin reload lets the proxy read the file, and says what came of it", async () => {
  await using echo = echoUpstream();
  await using file = await configFile(config("/a", echo.port));
  await using running = await startSameorigin(["-c", file.path]);
  const url = await urlOf(running);
  const listen = url.slice("http://".length);
  const at = (text: string) => text.replace("127.0.0.1:0", listen);

  // It listens on an address that the config does not have: `listen` was changed.
  const astray = await reload("-c", file.path, "--listen", "127.0.0.1:9");
  assert.equal(astray.code, 1);
  assert.match(astray.stderr, /not reloaded: 127\.0\.0\.1:9 .*\n.*--listen/);

  await file.write(config("/b", echo.port));
  const done = await reload("-c", file.path, "--listen", listen);
  const { mtime } = await Deno.stat(file.path);
  const modified = mtime?.toISOString().slice(0, 19).replace("T", " ");
  assert.deepEqual(done, {
    code: 0,
    stdout: `${file.path} is in effect: 1 location, read from ` +
      `${await Deno.realPath(file.path)}, modified ${modified} UTC\n`,
    stderr: "",
  });
  assert.equal(await statusOf(`${url}/b`), 200);

  await file.write(BROKEN);
  const wrong = await reload("-c", file.path, "--listen", listen);
  const { stderr: problems } = await sameorigin(["check", "-c", file.path]);
  assert.equal(wrong.code, 2);
  assert.equal(
    wrong.stderr,
    `${problems}sameorigin: the proxy keeps running with the config it has\n`,
  );
  // Without --listen it is already the command that finds the problems.
  assert.deepEqual(await reload("-c", file.path), wrong);
  assert.equal(await statusOf(`${url}/b`), 200);

  // With the address in the config, which is as usual, no option is needed.
  await using other = await configFile(at(config("/c", echo.port)));
  const strange = await reload("-c", other.path);
  assert.equal(strange.code, 1);
  assert.match(strange.stderr, /is not a sameorigin that runs with /);
  await Deno.rename(other.path, file.path);
  // The proxy's own is another address, 127.0.0.1:0, so this one is in use.
  const taken = await reload("-c", file.path);
  assert.equal(taken.code, 1);
  assert.match(taken.stderr, /in use/);
  assert.equal(await statusOf(`${url}/b`), 200);
});

Deno.test("RELOAD without the proof of the file is refused, and never sent on", async () => {
  await using echo = echoUpstream();
  await using file = await configFile(config("/", echo.port));
  await using running = await startSameorigin(["-c", file.path]);
  const port = Number(new URL(await urlOf(running)).port);
  const ask = (proof: string) =>
    rawExchange(
      port,
      "RELOAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" +
        `sameorigin-proof: ${proof}\r\n\r\n`,
    );
  const right = await configProof(file.path);
  for (const wrong of ["", "x", right.slice(1), right.toUpperCase()]) {
    assert.match(await ask(wrong), /^HTTP\/1\.1 405 /);
  }
  assert.match(await ask(right), /^HTTP\/1\.1 200 /);
  // The same text, but another file.
  const text = await Deno.readTextFile(file.path);
  await Deno.writeTextFile(`${file.path}.new`, text);
  await Deno.rename(`${file.path}.new`, file.path);
  assert.match(await ask(right), /^HTTP\/1\.1 405 /);
  // Without a proof it is a method like others.
  const plain = "RELOAD /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
  assert.match(await rawExchange(port, plain), /^HTTP\/1\.1 200 [^]*\/x$/);
});

Deno.test("proofs are the same only if every character is", () => {
  assert.equal(sameProof("abc", "abc"), true);
  assert.equal(sameProof("abc", "abd"), false);
  assert.equal(sameProof("abc", "ab"), false);
  assert.equal(sameProof("ab", "abc"), false);
  assert.equal(sameProof("", "a"), false);
});
