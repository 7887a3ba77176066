/**
 * How `run` ends: signals, requests in flight, and a log that nobody reads.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  sameoriginCommand,
  startSameorigin,
  urlOf,
} from "../support/process.ts";
import { rawUpstream } from "../support/raw_upstream.ts";
import { testNeeding } from "../support/skip.ts";

/** There are no signals there that a process could be sent. */
const ignore = Deno.build.os === "windows";

const ANY_PORT = ["--listen", "127.0.0.1:0"];

Deno.test({
  name: "a request in flight is finished after the first signal",
  ignore,
  fn: async () => {
    const arrived = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await using upstream = rawUpstream(async (connection) => {
      await connection.readHead();
      arrived.resolve();
      await release.promise;
      await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    });
    const to = `/=127.0.0.1:${upstream.port}`;
    await using running = await startSameorigin(["--to", to, ...ANY_PORT]);
    const url = await urlOf(running);
    const answer = fetch(url).then((response) => response.text());
    await arrived.promise;
    running.kill("SIGTERM");
    await running.until(/SIGTERM: waiting/);
    release.resolve();
    assert.equal(await answer, "hi");
    const { code, stdout } = await running.ended;
    assert.equal(code, 0);
    // What was logged last is written before the end.
    assert.match(stdout, /"GET \/ HTTP\/1\.1" 200 /);
  },
});

for (
  const [first, second, expected] of [
    ["SIGTERM", "SIGINT", 130],
    ["SIGINT", "SIGTERM", 143],
  ] as const
) {
  Deno.test({
    name: `after ${first}, ${second} ends it at once with ${expected}`,
    ignore,
    fn: async () => {
      const arrived = Promise.withResolvers<void>();
      await using upstream = rawUpstream(async (connection) => {
        await connection.readHead();
        arrived.resolve();
        await connection.readToEnd();
      });
      const to = `/=127.0.0.1:${upstream.port}`;
      await using running = await startSameorigin(["--to", to, ...ANY_PORT]);
      const url = await urlOf(running);
      const answer = assert.rejects(fetch(url));
      await arrived.promise;
      running.kill(first);
      await running.until(new RegExp(`${first}: waiting`));
      running.kill(second);
      const { code, stderr } = await running.ended;
      assert.equal(code, expected);
      assert(stderr.endsWith(`${second} again: stopping at once\n`), stderr);
      await answer;
    },
  });
}

Deno.test({
  name: "an access log that nobody reads does not hold the end up",
  ignore,
  fn: async () => {
    await using running = await startSameorigin(
      ["--to", "/=127.0.0.1:81", ...ANY_PORT],
      { unread: true },
    );
    const url = await urlOf(running);
    // More than a pipe and its reader's buffer take. A 400 asks no upstream.
    const agent = "x".repeat(30_000);
    for (let i = 0; i < 10; i++) {
      const response = await fetch(`${url}/%zz`, {
        headers: { "user-agent": agent },
      });
      assert.equal(response.status, 400);
      await response.body?.cancel();
    }
    running.kill("SIGTERM");
    const { code } = await running.ended;
    assert.equal(code, 0);
  },
});

testNeeding(
  ["script"],
  "a terminal that is closed ends it: its SIGHUP is no reload",
  async () => {
    const dir = await Deno.makeTempDir();
    const notes = `${dir}/notes`;
    const proxy = await sameoriginCommand();
    const quoted = [...proxy, ...ANY_PORT, "--to", "/=127.0.0.1:81"]
      .map((word) => `'${word}'`).join(" ");
    // It gives the command a terminal, which is gone when it is killed.
    const script = new Deno.Command("script", {
      args: ["-qec", `exec ${quoted} 2>${notes}`, "/dev/null"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const seen = async (pattern: RegExp) => {
      for (;;) {
        const text = await Deno.readTextFile(notes).catch(() => "");
        const match = pattern.exec(text);
        if (match !== null) return match;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const [, port = ""] = await seen(/http:\/\/localhost:(\d+)/);
    script.kill("SIGKILL");
    await script.status;
    await seen(/^SIGHUP: waiting for requests in flight/m);
    const open = () =>
      Deno.connect({ hostname: "127.0.0.1", port: Number(port) })
        .then((connection) => (connection.close(), true), () => false);
    while (await open());
    await Deno.remove(dir, { recursive: true });
  },
);
