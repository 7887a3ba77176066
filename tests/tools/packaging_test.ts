/**
 * What keeps the files around the program true without a container engine.
 *
 * @module
 */
import { parse } from "@std/yaml/parse";
import assert from "node:assert/strict";

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
  assert.match(last("HEALTHCHECK") ?? "", /CMD \["\/sameorigin", "health"\]$/);
  assert.ok(config.startsWith(`${last("WORKDIR")}/`));
  assert.match(last("USER") ?? "", /^[1-9]\d*:[1-9]\d*$/);
  assert.equal(last("STOPSIGNAL"), "SIGTERM");
});

Deno.test({
  name: "the Dockerfile's command compiles from what it copies",
  // The base executable that is at hand must be one for Linux.
  ignore: Deno.build.target !== "x86_64-unknown-linux-gnu",
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      const [build = []] = stages(await instructions());
      const included = (await read(".dockerignore")).split("\n");
      for (const [name, rest] of build) {
        if (name !== "COPY") continue;
        for (const source of rest.split(" ").slice(0, -1)) {
          assert.ok(included.includes(`!${source}`), `${source} is ignored`);
          await copy(new URL(source, ROOT), `${dir}/${source}`);
        }
      }
      const run = build.find(([name]) => name === "RUN")?.[1] ?? "";
      const { code, stderr } = await new Deno.Command("sh", {
        args: ["-euc", run.replaceAll("/out/", "./out/")],
        cwd: dir,
        env: {
          TARGETARCH: "amd64",
          DENORT_BIN: Deno.execPath(),
          PATH: `${await denoOnPath(dir)}:${Deno.env.get("PATH")}`,
        },
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      assert.ok(((await Deno.stat(`${dir}/out/sameorigin`)).mode ?? 0) & 0o100);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

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
