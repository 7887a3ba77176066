/**
 * Writing to streams that stall and fail.
 *
 * @module
 */
import assert from "node:assert/strict";
import { LineQueue, LogOutput } from "../../lib/observe/log_output.ts";

/** What a stream does at a write: takes so many bytes at most, or throws. */
type Step = number | Error;

/** A stream that follows a script, and then takes everything. */
function scripted(...steps: Step[]) {
  const decoder = new TextDecoder();
  const stream = {
    text: "",
    writes: 0,
    async write(bytes: Uint8Array): Promise<number> {
      await null;
      stream.writes++;
      const step = steps.shift() ?? bytes.length;
      if (typeof step !== "number") throw step;
      stream.text += decoder.decode(bytes.subarray(0, step));
      return Math.min(step, bytes.length);
    },
  };
  return stream;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

const full = () => new Error("No space left on device (os error 28)");

/** An output to a scripted stream, and what it says about failures. */
function outputTo(...steps: Step[]) {
  const said: [why: string, ended: boolean][] = [];
  const stream = scripted(...steps);
  const output = new LogOutput(stream, (why, ended) => said.push([why, ended]));
  return { stream, output, said };
}

Deno.test("partial writes and errors lose and repeat nothing", async () => {
  const wouldBlock = new Deno.errors.WouldBlock("EAGAIN");
  const { stream, output, said } = outputTo(
    ...[3, full(), 1, full(), wouldBlock, 2],
  );
  const first = output.write(bytesOf("first line\n"));
  const second = output.write(bytesOf("second line\n"));
  await Promise.all([first, second]);
  assert.equal(stream.text, "first line\nsecond line\n");
  // One message, although it failed twice.
  assert.deepEqual(said, [["No space left on device (os error 28)", false]]);
});

Deno.test("a pipe that is full for a time is no failure", async () => {
  const { stream, output, said } = outputTo(
    ...Array.from({ length: 4 }, () => new Deno.errors.WouldBlock("EAGAIN")),
  );
  await output.write(bytesOf("line\n"));
  assert.equal(stream.text, "line\n");
  assert.deepEqual(said, []);
});

Deno.test("a pipe without a reader is the end, and said once", async () => {
  const { stream, output, said } = outputTo(
    new Deno.errors.BrokenPipe("EPIPE"),
  );
  const { BrokenPipe } = Deno.errors;
  const both = [output.write(bytesOf("a\n")), output.write(bytesOf("b\n"))];
  await Promise.all(both.map((write) => assert.rejects(write, BrokenPipe)));
  await assert.rejects(output.write(bytesOf("c\n")), BrokenPipe);
  assert.equal(stream.writes, 1);
  assert.deepEqual(said, [["EPIPE", true]]);
});

Deno.test("a write is of whole lines, of at most what a pipe takes whole", async () => {
  const sizes: number[] = [];
  const texts: string[] = [];
  const output = new LogOutput({
    write(bytes) {
      sizes.push(bytes.length);
      texts.push(new TextDecoder().decode(bytes));
      return Promise.resolve(bytes.length);
    },
  }, () => {});
  const line = `${"x".repeat(1500)}\n`;
  const long = `${"y".repeat(9000)}\n`;
  await output.write(bytesOf(line.repeat(3) + long + line));
  assert.deepEqual(sizes, [3002, 1501, 4096, 4096, 809 + 1501]);
  assert.equal(texts.join(""), line.repeat(3) + long + line);
});

Deno.test("lines beyond the limit are lost, counted, and told in their place", async () => {
  const writes: string[] = [];
  let release = Promise.withResolvers<void>();
  const queue = new LineQueue(async (bytes) => {
    writes.push(new TextDecoder().decode(bytes));
    await release.promise;
  }, { limit: 8, delay: 0, lostLines: (count) => `${count} lost\n` });
  queue.add("first\n");
  // The reader stalls here.
  await new Promise((resolve) => setTimeout(resolve));
  for (let i = 1; i <= 5; i++) queue.add(`line ${i}\n`);
  queue.add("of\nthree\nlines\n");
  release.resolve();
  release = Promise.withResolvers();
  await new Promise((resolve) => setTimeout(resolve));
  queue.add("last\n");
  release.resolve();
  await queue.flush();
  assert.deepEqual(writes, [
    "first\n",
    "line 1\nline 2\n6 lost\n",
    "last\n",
  ]);
});

Deno.test("lines are collected for one write, or written at once", async () => {
  for (const delay of [0, 20]) {
    const writes: string[] = [];
    const queue = new LineQueue((bytes) => {
      writes.push(new TextDecoder().decode(bytes));
      return Promise.resolve();
    }, { limit: 100, delay, lostLines: String });
    queue.add("a\n");
    await new Promise((resolve) => setTimeout(resolve));
    assert.equal(writes.length, delay === 0 ? 1 : 0);
    queue.add("b\n");
    await queue.flush();
    queue.add("c\n");
    await queue.flush();
    await queue.flush();
    const expected = delay === 0 ? ["a\n", "b\n", "c\n"] : ["a\nb\n", "c\n"];
    assert.deepEqual(writes, expected);
  }
});

Deno.test("a queue whose stream has ended takes no more lines", async () => {
  let writes = 0;
  const queue = new LineQueue(() => {
    writes++;
    return Promise.reject(new Error("ended"));
  }, { limit: 100, delay: 0, lostLines: String });
  for (let i = 0; i < 3; i++) {
    queue.add("a\n");
    await queue.flush();
  }
  assert.equal(writes, 1);
});
