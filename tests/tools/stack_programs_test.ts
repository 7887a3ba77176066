import assert from "node:assert/strict";
import {
  atLeast,
  findGo,
  type Finding,
  findNode,
  findNpm,
  findPython,
  MissingTools,
  versionIn,
} from "../../tools/stack/programs.ts";
import { startSameorigin } from "../support/process.ts";
import { testUnless } from "../support/skip.ts";

/** Asks a machine that has these programs, which say this. */
function machine(programs: Readonly<Record<string, string>>) {
  return (program: string) => Promise.resolve(programs[program] ?? null);
}

function lackOf(finding: Finding) {
  assert.ok("lack" in finding, JSON.stringify(finding));
  return finding.lack;
}

Deno.test("a version is found in what programs say of themselves", () => {
  assert.deepEqual(versionIn("go version go1.26.8 linux/amd64"), [1, 26, 8]);
  assert.deepEqual(versionIn("v20.20.2\n"), [20, 20, 2]);
  assert.deepEqual(versionIn("3.13.0rc1"), [3, 13, 0]);
  assert.equal(versionIn("no such thing"), null);
});

Deno.test("versions are compared as numbers, from the left", () => {
  assert.ok(atLeast([3, 10], [3, 10]));
  assert.ok(atLeast([3, 10, 1], [3, 10]));
  assert.ok(atLeast([4, 0], [3, 10]));
  assert.ok(!atLeast([3, 9, 18], [3, 10]));
  assert.ok(!atLeast([2], [2, 1]));
});

Deno.test("the first Python that is new enough is taken, whatever its name", async () => {
  const ask = machine({
    "python3": "3.9.2\nwith venv\n",
    "python3.12": "3.12.3\nwith venv\n",
    "python3.11": "3.11.1\nwith venv\n",
  });
  assert.deepEqual(await findPython(ask), { program: "python3.12" });
});

Deno.test("a Python that is too old, or missing, is named with what would do", async () => {
  const old = lackOf(
    await findPython(machine({ python3: "3.8.10\nwith venv" })),
  );
  assert.equal(old.tool, "python3");
  assert.equal(old.wanted, "3.10 or newer");
  assert.equal(old.found, "found 3.8.10");
  assert.equal(lackOf(await findPython(machine({}))).found, "not found");
});

Deno.test("a Python without venv, as Debian has it, is named with the package that has it", async () => {
  const ask = machine({ python: "3.9.0", python3: "3.11.2\n" });
  const lack = lackOf(await findPython(ask));
  assert.equal(lack.tool, "python3's venv module");
  assert.equal(lack.get, "Debian: apt install python3.11-venv");
});

Deno.test("Node is wanted as Vite wants it", async () => {
  const finding = (version: string) => findNode(machine({ node: version }));
  for (const version of ["v20.19.0", "v22.12.0", "v24.0.0"]) {
    assert.deepEqual(await finding(version), { program: "node" }, version);
  }
  for (const version of ["v18.20.0", "v20.18.3", "v21.7.0", "v22.11.0"]) {
    assert.equal(
      lackOf(await finding(version)).found,
      `found ${version.slice(1)}`,
    );
  }
});

Deno.test("npm and Go are wanted in versions that can do what is asked of them", async () => {
  assert.deepEqual(await findNpm(machine({ npm: "10.8.2" })), {
    program: "npm",
  });
  assert.deepEqual(
    await findGo(machine({ go: "go version go1.21.0 linux/amd64" })),
    { program: "go" },
  );
  const old = lackOf(
    await findGo(machine({ go: "go version go1.19.8 linux/amd64" })),
  );
  assert.match(old.get, /go\.dev/);
  // A shim of a version manager that has no version chosen.
  const shim = lackOf(await findNpm(machine({ npm: "" })));
  assert.match(shim.found, /does not say its version/);
});

Deno.test("all that is missing is named at once, with how to get it", () => {
  const lack = {
    tool: "go",
    wanted: "1.21 or newer",
    found: "not found",
    get: "https://go.dev/dl/",
  };
  assert.equal(
    new MissingTools([lack]).message,
    "the stack needs a tool that this machine lacks:\n" +
      "  go (1.21 or newer): not found\n    https://go.dev/dl/",
  );
  assert.match(new MissingTools([lack, lack]).message, /needs tools that/);
});

testUnless(
  Deno.build.os === "windows" ? "the stack needs Unix" : null,
  "deno task stack on a machine without its tools names them, makes nothing, and ends with 1",
  async () => {
    const nothing = await Deno.makeTempDir();
    await using stack = await startStack([], {
      PATH: nothing,
      CENTRIFUGO_BIN: "/no/such/program",
    });
    const { code, stderr } = await stack.ended;
    assert.equal(code, 1, stderr);
    for (const tool of ["python3", "node", "npm"]) {
      assert.match(stderr, new RegExp(`^  ${tool} \\(.*: not found$`, "m"));
    }
    assert.match(
      stderr,
      /^ {2}CENTRIFUGO_BIN .*: \/no\/such\/program can't be run$/m,
    );
    // Nothing but the message: no progress, no stack trace.
    assert.match(stderr, /^stack: the stack needs tools [^…✓✗]*$/);
    assert.doesNotMatch(stderr, /^ +at /m);
    await Deno.remove(nothing, { recursive: true });
  },
);

Deno.test("deno task stack refuses what it can't understand, with its usage", async () => {
  for (
    const [args, what] of [
      [["--prot", "1"], /--prot/],
      [["--port", "http"], /--port http: must be from 0 to 65535/],
      [["--port", "70000"], /--port 70000/],
      [["more"], /more/],
    ] as const
  ) {
    await using stack = await startStack(args, {});
    const { code, stderr } = await stack.ended;
    assert.equal(code, 2, stderr);
    assert.match(stderr, what);
    assert.match(stderr, /usage: deno task stack/);
  }
});

function startStack(args: readonly string[], env: Record<string, string>) {
  const module = new URL("../../tools/stack.ts", import.meta.url).href;
  return startSameorigin(args, {
    module,
    permissions: ["--allow-run", "--allow-write"],
    env,
  });
}
