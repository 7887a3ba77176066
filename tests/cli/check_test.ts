/**
 * `check`, `schema`, `version`, the starter config, and `--to`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { STARTER } from "../../lib/cli/init.ts";
import { VERSION } from "../../lib/cli/version.ts";
import { jsonSchema, loadPlan } from "../../lib/config/load.ts";
import type { LocationPlan } from "../../lib/config/plan.ts";
import deno from "../../deno.json" with { type: "json" };
import { command } from "../support/terminal.ts";

/** Writes a config for one test. */
async function withConfig(
  text: string | Uint8Array,
  test: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeFile(
      path,
      typeof text === "string" ? new TextEncoder().encode(text) : text,
    );
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("check says ok, and how much there is", async () => {
  await withConfig(
    "locations: {/: http://a:81, /b: http://a:81}\n",
    async (path) => {
      assert.deepEqual(await command("check", "-c", path), {
        code: 0,
        output: `${path}: ok, 1 server, 2 locations, 1 upstream\n`,
        notes: "",
      });
    },
  );
});

Deno.test("check names all problems at once, on standard error, with exit code 2", async () => {
  const config = "listn: 1\nlocations: {/: http://nope}\n";
  await withConfig(config, async (path) => {
    const { code, output, notes } = await command("check", "-c", path);
    assert.equal(code, 2);
    assert.equal(output, "");
    const [first, second, ...rest] = notes.split("\n");
    assert.match(first ?? "", /: listn: .*did you mean "listen"\?/);
    assert.match(second ?? "", /: locations\["\/"\]: .*"nope"/);
    assert.deepEqual(rest, ["sameorigin: 2 problems", ""]);
  });
});

const SLOW = "locations: {/: http://a:81, '~ (a+)+(?=b)': http://a:81}\n";

Deno.test("check warns of a regular expression that can be slow", async () => {
  const risk = `locations["~ (a+)+(?=b)"]: warning: it may take very long for`;
  await withConfig(SLOW, async (path) => {
    const { code, output, notes } = await command("check", "-c", path);
    assert.equal(code, 0);
    assert.match(output, /: ok, 1 server, 2 locations/);
    assert(notes.startsWith(`${path}: ${risk}`), notes);
    assert.equal(notes.split("\n").length, 2);
    const json = await command("check", "--json", "-c", path);
    const { ok, warnings } = JSON.parse(json.output);
    assert.equal(ok, true);
    assert.deepEqual(
      warnings.map((warning: { path: string }) => warning.path),
      [`locations["~ (a+)+(?=b)"]`],
    );
  });
  await withConfig(`listn: 1\n${SLOW}`, async (path) => {
    const { code, notes } = await command("check", "-c", path);
    assert.equal(code, 2);
    const [problem, warning, ...rest] = notes.split("\n");
    assert.match(problem ?? "", /: listn: /);
    assert(warning?.includes(risk), notes);
    assert.deepEqual(rest, [""]);
  });
});

Deno.test("check --json gives the same problems as an object", async () => {
  await withConfig("listn: 1\nlocations: {/: http://nope}\n", async (path) => {
    const { code, output, notes } = await command(
      "check",
      "--json",
      "-c",
      path,
    );
    assert.equal(code, 2);
    assert.equal(notes, "");
    const { ok, source, problems } = JSON.parse(output);
    assert.equal(ok, false);
    assert.equal(source, path);
    assert.deepEqual(
      problems.map((problem: { path: string }) => problem.path),
      ["listn", `locations["/"]`],
    );
  });
  await withConfig("locations: {/: http://a:81}", async (path) => {
    const { code, output } = await command("check", "--json", "-c", path);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(output), {
      ok: true,
      source: path,
      problems: [],
      warnings: [],
      servers: 1,
      locations: 1,
      upstreams: 1,
    });
  });
});

Deno.test("a syntax error is shown with its line", async () => {
  await withConfig("locations:\n  /: [http://a:81\n", async (path) => {
    const { code, notes } = await command("check", "-c", path);
    assert.equal(code, 2);
    assert.match(notes, /\.yaml:\d+:\d+: .*\n.*\|/);
  });
});

Deno.test("a config that can't be read is said in a line and a hint, with exit code 2", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (
      const [path, message, hint] of [
        [
          `${directory}/none.yaml`,
          `there is no file ${directory}/none.yaml`,
          "Start one with: sameorigin init",
        ],
        [
          directory,
          `${directory} is a directory`,
          `Name the file in it: ${directory}/config.yaml`,
        ],
      ] as const
    ) {
      for (const name of ["check", "run"]) {
        assert.deepEqual(await command(name, "-c", path), {
          code: 2,
          output: "",
          notes: `sameorigin: ${message}\n${hint}\n`,
        });
      }
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  await withConfig(new Uint8Array([0x61, 0xff]), async (path) => {
    const { code, notes } = await command("check", "-c", path);
    assert.equal(code, 2);
    assert.match(notes, /is not UTF-8 text/);
  });
});

Deno.test("the starter config has no problems and says what the defaults are", () => {
  const options = { source: "starter", env: () => undefined };
  const plan = loadPlan(STARTER, options);
  assert.equal(plan.listeners[0]?.written, "9000");
  // What is commented out as a default is one.
  const uncommented = STARTER.replace(
    /^# (proxy_set_header:| {2}[\w-]+: \$.*|log_format:.*)$/gm,
    "$1",
  );
  assert.notEqual(uncommented, STARTER);
  const [location] = locationsOf(loadPlan(uncommented, options));
  const [implied] = locationsOf(plan);
  assert.deepEqual(headersSetBy(location), headersSetBy(implied));
  // And everything else in it is at least valid.
  const everything = uncommented.replace(
    /^( *)# (( {2}\w+|centrifugo|\/connection.*|\/upload|log_format|dev):.*)$/gm,
    "$1$2",
  );
  const full = loadPlan(everything, options);
  assert.equal(full.dev, true);
  assert.deepEqual(
    locationsOf(full).map(({ key }) => key),
    ["/api", "/admin", "/static", "/connection/websocket", "/", "/upload"],
  );
});

function locationsOf(plan: ReturnType<typeof loadPlan>) {
  return plan.listeners.flatMap(({ servers }) =>
    servers.servers.flatMap(({ locations }) =>
      locations.entries.map(({ value }) => value)
    )
  );
}

Deno.test("schema prints the JSON Schema", async () => {
  const { code, output } = await command("schema");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(output), await jsonSchema());
});

Deno.test("version names sameorigin's, Deno's, V8's and the platform", async () => {
  const { code, output } = await command("version");
  assert.equal(code, 0);
  assert.equal(VERSION, deno.version);
  const { deno: runtime, v8 } = Deno.version;
  const { os, arch } = Deno.build;
  assert.equal(
    output,
    `sameorigin ${VERSION} (deno ${runtime}, v8 ${v8}, ${os}-${arch})\n`,
  );
  assert.equal((await command("--version")).output, output);
});

Deno.test("--to takes host:port, a URL and a path of its own", async () => {
  const { code, output } = await command(
    "explain",
    "GET",
    "/api/x",
    "--json",
    ...["--to", "/=localhost:5173", "--to", "/api/=https://a.example:8443/v1/"],
  );
  assert.equal(code, 0);
  const { upstream, sent, location } = JSON.parse(output);
  assert.equal(location.key, "/api/");
  assert.deepEqual(upstream, {
    name: "a.example:8443",
    scheme: "https",
    address: "a.example:8443",
  });
  assert.equal(sent.target, "/v1/x");
});

for (
  const [to, message, hint] of [
    [
      ["/api"],
      `--to "/api" is not PREFIX=ADDRESS`,
      "Write it as: --to /api=localhost:8000",
    ],
    [
      ["api=localhost:8000"],
      `--to "api=localhost:8000" is not PREFIX=ADDRESS`,
      "Write it as: --to /api=localhost:8000",
    ],
    [
      ["/api=8000"],
      `--to "/api=8000" has a port but no host`,
      "Did you mean --to /api=localhost:8000?",
    ],
    [
      ["/=a:81", "/=b:82"],
      `--to has the prefix "/" twice`,
      "Several addresses for one prefix need a config with an upstream.",
    ],
  ] as const
) {
  Deno.test(`a --to that can't be read is named: ${to.join(" ")}`, async () => {
    const argv = to.flatMap((pair) => ["--to", pair]);
    assert.deepEqual(await command("run", ...argv), {
      code: 2,
      output: "",
      notes: `sameorigin: ${message}\n${hint}\n`,
    });
  });
}

Deno.test("an address in --to that no upstream can have is named", async () => {
  const { code, notes } = await command("run", "--to", "/=localhost:99999");
  assert.equal(code, 2);
  assert.match(notes, /^--to: locations\["\/"\]: .*port/);
});

Deno.test("a --listen that can't be read is named", async () => {
  const { code, notes } = await command("--to", "/=a:81", "--listen", "x");
  assert.equal(code, 2);
  assert.match(notes, /^--listen: /);
});

function headersSetBy(location: LocationPlan | undefined): string[] {
  return location?.content.kind === "proxy"
    ? location.content.setHeaders.map(({ name }) => name)
    : [];
}
