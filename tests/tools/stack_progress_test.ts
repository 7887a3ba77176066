import assert from "node:assert/strict";
import { style } from "../../lib/cli/terminal.ts";
import { ProgressLines } from "../../tools/stack/progress.ts";

/** Progress with a clock that is set, and what it has written. */
function progress(width: number | null, coloured = false) {
  const screen = { written: "" };
  const clock = { now: 0 };
  const lines = new ProgressLines(
    {
      write: (text) => void (screen.written += text),
      style: style(coloured),
      width,
    },
    () => clock.now,
  );
  return { screen, clock, lines };
}

Deno.test("where lines can't be written over, a step has one at its start and one at its end", async () => {
  const { screen, clock, lines } = progress(null);
  const result = await lines.step("packages (pip)", () => {
    clock.now += 12_400;
    return Promise.resolve("made");
  });
  assert.equal(result, "made");
  assert.equal(
    screen.written,
    "  … packages (pip)\n" +
      `  ✓ ${"packages (pip)".padEnd(46)}  12 s\n`,
  );
});

Deno.test("a step that fails says so, and why goes to whoever asked", async () => {
  const { screen, lines } = progress(null);
  const work = () => Promise.reject(new Error("disk full"));
  await assert.rejects(lines.step("packages", work), /disk full/);
  assert.match(screen.written, /^ {2}✗ packages +0 s$/m);
});

Deno.test("on a terminal the steps under way share one line, cut to its width", async () => {
  const { screen, lines } = progress(29);
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const steps = [
    lines.step("the first", () => first.promise),
    lines.step("the second", () => second.promise),
  ];
  const last = screen.written.split("\r").at(-1);
  assert.equal(last, "\x1b[2K  … the first 0 s, the secon");
  first.resolve();
  await steps[0];
  // Its line stays, and the other's is drawn again below.
  assert.match(
    screen.written.replaceAll("\x1b[2K", "CLEAR"),
    /\rCLEAR {2}✓ the first +0 s\n\rCLEAR {2}… the second 0 s$/,
  );
  lines.note("by the way");
  second.resolve();
  await steps[1];
  assert.match(screen.written, / {2}by the way\n/);
  assert.match(screen.written, /✓ the second +0 s\n$/);
});

Deno.test("colours are used only where they are asked for", async () => {
  for (const coloured of [true, false]) {
    const { screen, lines } = progress(80, coloured);
    await lines.step("it", () => Promise.resolve());
    assert.equal(screen.written.includes("\x1b[32m✓"), coloured);
  }
});
