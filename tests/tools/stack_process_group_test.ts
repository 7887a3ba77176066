import assert from "node:assert/strict";
import { ProcessGroup } from "../../tools/stack/process_group.ts";
import { CommandFailed, runToEnd } from "../../tools/stack/run_to_end.ts";
import { testUnless } from "../support/skip.ts";

const WINDOWS = Deno.build.os === "windows" ? "the stack needs Unix" : null;

/** What a script says if it is not ended. */
const LATE = "sleep 60; echo late >&9";

/** A folder, and a pipe in it that stays open while a process has it. */
async function folderWithPipe() {
  const path = await Deno.makeTempDir();
  const pipe = `${path}/pipe`;
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  return {
    path,
    pipe,
    log: `${path}/log`,
    /** What is said through the pipe until all who have it have ended. */
    async closed() {
      const file = await Deno.open(pipe);
      return await new Response(file.readable).text();
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true });
    },
  };
}

/** A program of the shell. */
function shell(script: string, cwd: string) {
  return { program: "/bin/sh", args: ["-c", script], cwd, env: {} };
}

testUnless(
  WINDOWS,
  "a group ends with all that its program has started, what does not listen too",
  async () => {
    await using folder = await folderWithPipe();
    const script = `exec 9>pipe; ` +
      `(trap '' TERM; echo up >&9; ${LATE}) & sleep 60`;
    const group = new ProcessGroup(shell(script, folder.path), folder.log);
    const file = await Deno.open(folder.pipe);
    // Both know by now what they do at a signal.
    await file.read(new Uint8Array(3));
    await group.stop();
    assert.equal((await group.ended).signal, "SIGTERM");
    assert.equal(await new Response(file.readable).text(), "");
  },
);

testUnless(WINDOWS, "a program that hangs is killed", async () => {
  await using folder = await folderWithPipe();
  const script = `trap '' TERM; exec 9>pipe; echo up >&9; ${LATE}`;
  const group = new ProcessGroup(shell(script, folder.path), folder.log);
  const file = await Deno.open(folder.pipe);
  await file.read(new Uint8Array(3));
  Deno.kill(group.pid, "SIGSTOP");
  await group.stop([["SIGTERM", 10], ["SIGTERM", 10]]);
  assert.equal((await group.ended).signal, "SIGKILL");
  assert.equal(await new Response(file.readable).text(), "");
});

testUnless(
  WINDOWS,
  "a program that ends by itself leaves nothing behind, and its words in the log",
  async () => {
    await using folder = await folderWithPipe();
    const script = `exec 9>pipe; (${LATE}) & echo out; echo err >&2; exit 3`;
    const group = new ProcessGroup(shell(script, folder.path), folder.log);
    const closed = folder.closed();
    assert.equal((await group.ended).code, 3);
    assert.equal(await closed, "");
    assert.equal(await Deno.readTextFile(folder.log), "out\nerr\n");
    await group.stop();
  },
);

testUnless(
  WINDOWS,
  "a group ends with the process that started it, however that ends",
  async () => {
    await using folder = await folderWithPipe();
    const module = new URL(
      "../../tools/stack/process_group.ts",
      import.meta.url,
    ).href;
    const script = `trap '' HUP TERM; exec 9>pipe; echo up >&9; ${LATE}`;
    const runner = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { ProcessGroup } from ${JSON.stringify(module)};
        new ProcessGroup(${JSON.stringify(shell(script, folder.path))}, ${
          JSON.stringify(folder.log)
        });
        console.log("started");`,
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const file = await Deno.open(folder.pipe);
    await file.read(new Uint8Array(3));
    // Until then there may be nobody who ends the group in the runner's place.
    const said = runner.stdout.getReader();
    const { value } = await said.read();
    assert.equal(new TextDecoder().decode(value), "started\n");
    await said.cancel();
    runner.kill("SIGKILL");
    await runner.status;
    assert.equal(await new Response(file.readable).text(), "");
  },
);

testUnless(
  WINDOWS,
  "what a program says is kept, and its last words are in the error if it fails",
  async () => {
    await using folder = await folderWithPipe();
    const { signal } = new AbortController();
    const words = await runToEnd(shell("echo hello", folder.path), signal);
    assert.equal(words, "hello\n");
    await assert.rejects(
      runToEnd(shell("seq 100; echo no space left; exit 4", "/"), signal),
      (error) => {
        assert.ok(error instanceof CommandFailed);
        assert.equal(error.code, 4);
        assert.match(
          error.message,
          /failed with code 4:\n {2}87\n[^]*no space/,
        );
        return true;
      },
    );
    await assert.rejects(
      runToEnd({ program: "no-such", args: [], cwd: "/", env: {} }, signal),
      /no-such failed with code 127/,
    );
  },
);

testUnless(WINDOWS, "a program is ended when it is given up", async () => {
  await using folder = await folderWithPipe();
  const giveUp = new AbortController();
  const script = `exec 9>pipe; (${LATE}) & ${LATE}`;
  const run = runToEnd(shell(script, folder.path), giveUp.signal);
  const file = await Deno.open(folder.pipe);
  giveUp.abort(new Error("changed my mind"));
  await assert.rejects(run, /changed my mind/);
  assert.equal(await new Response(file.readable).text(), "");
  await assert.rejects(
    runToEnd(shell("true", "/"), giveUp.signal),
    /changed my mind/,
  );
});
