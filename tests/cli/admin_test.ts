/**
 * The admin listener of a whole process.
 *
 * @module
 */
import assert from "node:assert/strict";
import { freePort } from "../support/free_port.ts";
import {
  type RunningProcess,
  sameorigin,
  startSameorigin,
} from "../support/process.ts";

const config = (rest: string, port = 0) =>
  `listen: 127.0.0.1:${port}\nlocations: { /: { return: 204 } }\n${rest}`;

/** Runs with a config file, which may be changed. */
async function withFile(
  text: string,
  args: readonly string[],
  fn: (running: RunningProcess, file: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/config.yaml`;
    await Deno.writeTextFile(file, text);
    await using running = await startSameorigin([
      "run",
      "--config",
      file,
      ...args,
    ]);
    await fn(running, file);
    running.kill("SIGTERM");
    assert.equal((await running.ended).code, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function adminOf(running: RunningProcess): Promise<string> {
  const [, port] = await running.until(/http:\/\/localhost:(\d+) +\(admin\)/);
  return `http://127.0.0.1:${port}`;
}

async function textOf(url: string, init?: RequestInit): Promise<string> {
  return await (await fetch(url, init)).text();
}

Deno.test("reloads are counted, and the hash of the config tells which one is in effect", async () => {
  await withFile(config("admin: 0"), [], async (running, file) => {
    const admin = await adminOf(running);
    const metrics = async () => {
      const text = await textOf(`${admin}/metrics`);
      const [, hash] = /sameorigin_config_info\{hash="(\w{12})"/.exec(text) ??
        [];
      const [, done, failed] =
        /reloads_total\{result="done"\} (\d+)\n.*failed"\} (\d+)/
          .exec(text) ?? [];
      return { hash, done, failed };
    };
    const first = await metrics();
    assert.deepEqual([first.done, first.failed], ["0", "0"]);
    await Deno.writeTextFile(file, config("admin: 0\nworkers: none"));
    const refused = await fetch(`${admin}/reload`, { method: "POST" });
    assert.equal(refused.status, 422);
    assert.match(await refused.text(), /"path": "workers"/);
    assert.deepEqual(await metrics(), { ...first, failed: "1" });
    await Deno.writeTextFile(file, config("admin: 0\ndev: true"));
    const done = await fetch(`${admin}/reload`, { method: "POST" });
    assert.equal(done.status, 200);
    assert.match(await done.text(), /"kind": "done"/);
    const second = await metrics();
    assert.deepEqual([second.done, second.failed], ["1", "1"]);
    assert.notEqual(second.hash, first.hash);
    running.kill("SIGHUP");
    await running.until(/SIGHUP: .* is in effect/);
    assert.equal((await metrics()).done, "2");
  });
});

Deno.test("a reload opens the admin listener, moves it, changes its token, and closes it", async () => {
  await withFile(config(""), [], async (running, file) => {
    await running.until(/http:\/\/localhost:\d+/);
    let reloads = 0;
    const reload = async (rest: string) => {
      await Deno.writeTextFile(file, config(rest));
      running.kill("SIGHUP");
      reloads++;
      await running.until(
        new RegExp(`(?:SIGHUP: [^]*is in effect[^]*){${reloads}}`),
      );
    };
    const [a, b] = [freePort(), freePort()];
    const url = (port: number) => `http://127.0.0.1:${port}/state`;
    const isOpen = (port: number) =>
      textOf(url(port)).then(() => true, () => false);
    await reload(`admin: ${a}`);
    assert.equal(await isOpen(a), true);
    await reload(`admin: ${b}`);
    assert.deepEqual([await isOpen(a), await isOpen(b)], [false, true]);
    const token = "a-token-of-many-letters";
    await reload(`admin: { listen: ${b}, token: ${token} }`);
    assert.match(await textOf(url(b)), /^Send the token/);
    const headers = { authorization: `Bearer ${token}` };
    assert.match(await textOf(url(b), { headers }), /"generations"/);
    await reload("");
    assert.equal(await isOpen(b), false);
  });
});

Deno.test("an address that is taken: the start fails, a reload changes nothing, a developer's proxy runs without", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const { code, stderr } = await sameorigin(["run", "-c", "-"], {
    stdin: config(`admin: ${port}`),
  });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`cannot listen on ${port} \\(admin\\)`));

  const args = ["--admin", String(port), "--dev"];
  await withFile(config(""), args, async (running) => {
    await running.until(/\(admin\): in use: running without/);
    await running.until(/http:\/\/localhost:\d+/);
  });

  await withFile(config("admin: 0"), [], async (running, file) => {
    const admin = await adminOf(running);
    await Deno.writeTextFile(file, config(`admin: ${port}`));
    const failed = await fetch(`${admin}/reload`, { method: "POST" });
    assert.equal(failed.status, 500);
    assert.match(await failed.text(), /cannot listen on/);
    assert.equal(await textOf(`${admin}/healthz`), "ok\n");
  });
});
