/**
 * What keeps the files around the program true without a container engine.
 *
 * @module
 */
import { parse } from "@std/yaml/parse";
import assert from "node:assert/strict";
import { freePort } from "../support/free_port.ts";

const ROOT = new URL("../../", import.meta.url);

const read = (file: string) => Deno.readTextFile(new URL(file, ROOT));

/** The Dockerfile's instructions, continued lines joined, comments left out. */
async function instructions(): Promise<[name: string, rest: string][]> {
  const text = (await read("Dockerfile")).replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "");
  return [...text.matchAll(/^([A-Z]+) (.+)$/gm)]
    .map(([, name = "", rest = ""]) => [name, rest]);
}

Deno.test("one version of Deno is named everywhere", async () => {
  const named = new Map<string, string[]>();
  const files = ["Dockerfile", "README.md", "CONTRIBUTING.md", ".ci/run"];
  for await (
    const { name } of Deno.readDir(new URL(".github/workflows", ROOT))
  ) {
    files.push(`.github/workflows/${name}`);
  }
  const pattern = /(?:deno@|DENO=|deno-version: |deno:debian-)(\d[\d.]*\d)/g;
  for (const file of files) {
    for (const [, version = ""] of (await read(file)).matchAll(pattern)) {
      named.set(version, [...named.get(version) ?? [], file]);
    }
  }
  assert.equal(named.size, 1, JSON.stringify([...named]));
});

Deno.test("compose.yaml names the services as config.yaml does", async () => {
  const config = parse(await read("config.yaml")) as {
    listen: number;
    upstreams: Record<string, string>;
  };
  const { services } = parse(await read("compose.yaml")) as {
    services: Record<string, {
      ports?: string[];
      expose?: number[];
      depends_on?: string[];
    }>;
  };
  const { sameorigin, ...others } = services;
  assert.deepEqual(sameorigin?.ports, [`${config.listen}:${config.listen}`]);
  assert.deepEqual(sameorigin?.depends_on, Object.keys(others));
  const addresses = Object.entries(others)
    .map(([name, { expose = [] }]) => `${name}:${expose[0]}`);
  assert.deepEqual(
    Object.values(config.upstreams).map((value) =>
      value.replace(/^\$\{\w+:-(.+)\}$/, "$1")
    ),
    addresses,
  );
});

Deno.test("the container runs the executable itself, and not as root", async () => {
  const all = await instructions();
  const last = (name: string) =>
    all.findLast(([instruction]) => instruction === name)?.[1];
  // As a list, so that no shell stands between it and a signal.
  assert.equal(last("ENTRYPOINT"), '["/sameorigin"]');
  const config = "/etc/sameorigin/config.yaml";
  assert.equal(last("CMD"), `["run", "-c", "${config}"]`);
  // Without the file, which may have been broken since the start.
  assert.match(
    last("HEALTHCHECK") ?? "",
    /CMD \["\/sameorigin", "health", "--listen", "9000"\]$/,
  );
  assert.ok(config.startsWith(`${last("WORKDIR")}/`));
  assert.match(last("USER") ?? "", /^[1-9]\d*:[1-9]\d*$/);
  assert.equal(last("STOPSIGNAL"), "SIGTERM");
});

Deno.test("compose files mount directories", async () => {
  // A file that an editor replaces stays the old one where it is mounted alone.
  for (
    const [file, directory] of [
      ["compose.yaml", "./sameorigin"],
      ["examples/chat/compose.yaml", "./sameorigin"],
      ["examples/production/compose.yaml", "."],
    ] as const
  ) {
    const { services } = parse(await read(file)) as {
      services: Record<string, { volumes?: string[] }>;
    };
    const sources = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes)
      .map((volume) => volume.split(":")[0] ?? "")
      .filter((source) => source.startsWith("."));
    assert.ok(sources.includes(directory), file);
    assert.deepEqual(sources.filter((source) => /\w\.\w+$/.test(source)), []);
  }
});

/** The base executable that is at hand must be one for Linux. */
const ignore = Deno.build.target !== "x86_64-unknown-linux-gnu";

Deno.test({
  name: "the Dockerfile's command compiles from what it copies",
  ignore,
  async fn() {
    await using build = await buildStage();
    const { code, stderr } = await build.run({ SAMEORIGIN_STD: "npm" });
    assert.equal(code, 0, stderr);
    const { mode } = await Deno.stat(`${build.dir}/out/sameorigin`);
    assert.ok((mode ?? 0) & 0o100);
  },
});

Deno.test({
  name: "without JSR there is no image, unless @std is to come from npm",
  ignore,
  async fn() {
    await using build = await buildStage();
    // As the instruction has it: the build's own arguments come before.
    const [name, value] = build.argument.split("=");
    assert.deepEqual([name, value], ["SAMEORIGIN_STD", "jsr"]);
    const { code, stderr } = await build.run({
      SAMEORIGIN_STD: "jsr",
      // Deno's cache has nothing from there.
      JSR_URL: `http://127.0.0.1:${freePort()}`,
    });
    assert.notEqual(code, 0);
    assert.match(stderr, /JSR package manifest for '@std\/\w+' failed to load/);
    await assert.rejects(Deno.stat(`${build.dir}/out`), Deno.errors.NotFound);
  },
});

Deno.test("a release is made with the real @std", async () => {
  const text = await read(".github/workflows/release.yml");
  const { jobs } = parse(text) as {
    jobs: Record<string, { env?: Record<string, string> }>;
  };
  assert.equal(jobs["binaries"]?.env?.["SAMEORIGIN_STD"], "jsr");
});

Deno.test("no image is named with capitals", async () => {
  const text = await read(".github/workflows/release.yml");
  const { jobs } = parse(text) as {
    jobs: {
      image: { steps: { env?: object; with?: object }[] };
    };
  };
  // A registry takes none, and an owner or a repository may have some: its name
  // is used in one step only, which makes them small.
  const named = jobs.image.steps.filter((step) =>
    JSON.stringify(step).includes("github.repository")
  );
  assert.equal(named.length, 1);
  assert.match(JSON.stringify(named), /image=\$\{NAME,,\}/);
});

/** What the Dockerfile's first stage copies, in a directory, and its command. */
async function buildStage() {
  const dir = await Deno.makeTempDir();
  const [build = []] = stages(await instructions());
  const included = (await read(".dockerignore")).split("\n");
  for (const [name, rest] of build) {
    if (name !== "COPY") continue;
    for (const source of rest.split(" ").slice(0, -1)) {
      assert.ok(included.includes(`!${source}`), `${source} is ignored`);
      await copy(new URL(source, ROOT), `${dir}/${source}`);
    }
  }
  const command = build.find(([name]) => name === "RUN")?.[1] ?? "";
  // It would install the packages of the tests too.
  assert.doesNotMatch(command, /deno task/);
  const path = `${await denoOnPath(dir)}:${Deno.env.get("PATH")}`;
  return {
    dir,
    /** The first argument of the build. */
    argument: build.find(([name]) => name === "ARG")?.[1] ?? "",
    async run(env: Record<string, string>) {
      const { code, stderr } = await new Deno.Command("sh", {
        args: ["-euc", command.replaceAll("/out/", "./out/")],
        cwd: dir,
        env: {
          TARGETARCH: "amd64",
          DENORT_BIN: Deno.execPath(),
          PATH: path,
          NO_COLOR: "1",
          ...env,
        },
      }).output();
      return { code, stderr: new TextDecoder().decode(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

function stages(
  all: [name: string, rest: string][],
): [name: string, rest: string][][] {
  const stages: [string, string][][] = [];
  for (const instruction of all) {
    if (instruction[0] === "FROM") stages.push([]);
    stages.at(-1)?.push(instruction);
  }
  return stages;
}

/** A directory in which this very `deno` has that name. */
async function denoOnPath(dir: string): Promise<string> {
  await Deno.mkdir(`${dir}/bin`);
  await Deno.symlink(Deno.execPath(), `${dir}/bin/deno`);
  return `${dir}/bin`;
}

async function copy(from: URL, to: string) {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copy(new URL(`${from.href}/${name}`), `${to}/${name}`);
  }
}
