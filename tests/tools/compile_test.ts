import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { compileArguments, TARGETS } from "../../tools/compile.ts";
import { type Lock, programImports, programLock } from "../../tools/program.ts";
import { PROXY_FLAGS, V8_FLAGS } from "../../tools/proxy_flags.ts";
import { denoArguments } from "../../tools/with_std.ts";
import { type Contents, executableContents } from "./executable_contents.ts";

const ROOT = new URL("../../", import.meta.url);

/** What of npm the program itself needs; the second line stands in for @std. */
const NPM_PACKAGES = [
  ...["valibot", "@valibot/to-json-schema", "re2js"],
  ...["js-yaml", "argparse", "bcryptjs", "mrmime"],
];

/** Files of the project that belong to the program. */
const OWN = /^(main\.ts|deno\.json|config\.yaml|lib\/.+|tools\/std\/.+)$/;

async function deno(
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stderr));
  return text.decode(stdout);
}

Deno.test("the program imports nothing of the tests, the demo and the tools", async () => {
  const info: { modules: { specifier: string }[] } = JSON.parse(
    await deno(await denoArguments("info", ["--json", "main.ts"])),
  );
  const modules = info.modules.map(({ specifier }) => specifier);
  const own = modules.filter((specifier) => specifier.startsWith(ROOT.href))
    .map((specifier) => specifier.slice(ROOT.href.length));
  assert.ok(own.includes("lib/request/handler.ts"));
  assert.deepEqual(own.filter((path) => !OWN.test(path)), []);
  const packages = modules.flatMap((specifier) =>
    /^npm:\/?((?:@[^/]+\/)?[^/@]+)@/.exec(specifier)?.[1] ?? []
  );
  assert.ok(packages.includes("valibot"));
  assert.deepEqual(
    packages.filter((name) =>
      !NPM_PACKAGES.includes(name) && !name.startsWith("@types/")
    ),
    [],
  );
});

/** Compiles with `deno` itself as the base: what comes out can be read, but does not run. */
async function compiled(): Promise<Contents> {
  const dir = await Deno.makeTempDir();
  try {
    const output = `${dir}/sameorigin`;
    await deno(
      ["run", "-A", "tools/compile.ts", "--output", output],
      { DENORT_BIN: Deno.execPath() },
    );
    const suffix = Deno.build.os === "windows" ? ".exe" : "";
    return executableContents(await Deno.readFile(output + suffix));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("the executable carries permissions, flags, the config and its own files", async (t) => {
  const { metadata, files } = await compiled();

  await t.step(
    "it may use the network, read files and the environment, ask how much memory there is, and write its state",
    () => {
      const { prompt, allow_import: _, ...permissions } = metadata.permissions;
      const granted = Object.entries(permissions)
        .filter(([, value]) => value !== null);
      assert.deepEqual(Object.fromEntries(granted), {
        // An empty list is everything.
        allow_env: [],
        allow_net: [],
        allow_read: [],
        allow_sys: ["systemMemoryInfo"],
        allow_write: ["/var/lib/sameorigin"],
      });
      assert.equal(prompt, false);
    },
  );

  await t.step("it has deno.json's unstable flags", () => {
    assert.deepEqual(
      metadata.unstable_config.features.toSorted(),
      config.unstable.toSorted(),
    );
  });

  await t.step("it has the flags for V8", () => {
    // Deno has some of its own before it.
    assert.equal(`--v8-flags=${metadata.v8_flags.at(-1)}`, V8_FLAGS);
  });

  await t.step("it has the config that is the default", async () => {
    const embedded = files.get("config.yaml");
    assert.ok(embedded !== undefined);
    const text = await Deno.readTextFile(new URL("config.yaml", ROOT));
    assert.equal(new TextDecoder().decode(embedded), text);
  });

  await t.step("it has its own files and no others", () => {
    assert.equal(metadata.entrypoint_key, "main.ts");
    const own: string[] = [];
    const packages = new Set<string>();
    for (const path of files.keys()) {
      const npm = /^\.deno_compile_node_modules\/[^/]+\/((?:@[^/]+\/)?[^/]+)\//
        .exec(path);
      if (npm?.[1] === undefined) own.push(path);
      else packages.add(npm[1]);
    }
    assert.ok(own.includes("lib/request/handler.ts"));
    assert.ok(own.includes("lib/server/workers/worker.ts"));
    assert.ok(own.includes("lib/access/passwords/password_worker.ts"));
    assert.deepEqual(own.filter((path) => !OWN.test(path)), []);
    assert.deepEqual(
      [...packages].filter((name) => !NPM_PACKAGES.includes(name)),
      [],
    );
  });

  await t.step("its import map finds the files again inside it", () => {
    const { specifier, json } = metadata.workspace_resolver.import_map;
    const map: { imports: Record<string, string> } = JSON.parse(json);
    for (const target of Object.values(map.imports)) {
      if (/^(npm|jsr):/.test(target)) continue;
      const { pathname } = new URL(target, new URL(specifier, "file:///"));
      assert.ok(files.has(pathname.slice(1)), target);
    }
  });
});

Deno.test("a release has an executable for five platforms", () => {
  assert.equal(TARGETS.length, 5);
  const files = { importMap: "map.json", lock: "deno.lock" };
  for (const target of TARGETS) {
    const args = compileArguments(files, "dist/x", target);
    assert.ok(args.includes(`--target=${target}`));
    // Else Deno would write into the lock what it does not find there.
    assert.ok(args.includes("--frozen"));
    for (const flag of [...PROXY_FLAGS, V8_FLAGS]) {
      assert.ok(args.includes(flag), flag);
    }
    // What follows the module would be an argument of the program.
    assert.ok(args.at(-1)?.endsWith("main.ts"));
  }
});

/** `deno.lock` as it is. */
async function readLock(): Promise<Lock> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
}

/** The names in a lock's keys, which are `name@version`. */
function names(packages: Record<string, unknown> = {}): string[] {
  return Object.keys(packages)
    .map((key) => key.slice(0, key.indexOf("@", 1))).toSorted();
}

Deno.test("an executable is compiled without the packages of the tests", async () => {
  const lock = await readLock();
  const jsr = programLock(lock, Object.values(programImports("jsr")));
  assert.deepEqual(names(jsr.npm), [
    "@valibot/to-json-schema",
    "bcryptjs",
    "mrmime",
    "re2js",
    "valibot",
  ]);
  assert.deepEqual(names(jsr.jsr), ["@std/cli", "@std/http", "@std/yaml"]);
  const npm = programLock(lock, Object.values(programImports("npm")));
  assert.deepEqual(names(npm.npm), NPM_PACKAGES.toSorted());
  assert.deepEqual(names(npm.jsr), []);
});

Deno.test("a part of a lock has what the parts depend on, and nothing that it lacks itself", () => {
  const integrity = "sha512-x";
  const lock: Lock = {
    version: "5",
    specifiers: {
      "npm:a@1.0.0": "1.0.0",
      "npm:b@2.0.0": "2.0.0",
      "jsr:@s/c@1": "1.2.3",
    },
    npm: {
      "a@1.0.0": {
        integrity,
        dependencies: ["d@1.0.0"],
        optionalDependencies: ["e"],
      },
      "b@2.0.0": { integrity, dependencies: ["d@2.0.0"] },
      "d@1.0.0": { integrity, dependencies: ["e"] },
      "d@2.0.0": { integrity },
      // In a circle.
      "e@1.0.0": { integrity, dependencies: ["a"] },
    },
    jsr: { "@s/c@1.2.3": { integrity } },
  };
  const part = programLock(lock, ["npm:a@1.0.0/sub", "file.ts"]);
  assert.deepEqual(part.specifiers, { "npm:a@1.0.0": "1.0.0" });
  assert.deepEqual(Object.keys(part.npm ?? {}), [
    "a@1.0.0",
    "d@1.0.0",
    "e@1.0.0",
  ]);
  assert.equal(part.jsr, undefined);
  assert.deepEqual(programLock(lock, ["jsr:@s/c@^1/sub"]), {
    version: "5",
    specifiers: { "jsr:@s/c@1": "1.2.3" },
    jsr: lock.jsr,
  });
  for (const target of ["npm:f@1.0.0", "jsr:@s/c@^2"]) {
    assert.throws(() => programLock(lock, [target]), /deno\.lock lacks/);
  }
});

Deno.test("deno.lock pins each package of JSR to one version and its content", async () => {
  const { specifiers, jsr = {} } = await readLock();
  const fromJsr = Object.values(config.imports)
    .filter((target) => target.startsWith("jsr:"));
  assert.deepEqual(fromJsr, [
    "jsr:@std/cli@^1",
    "jsr:@std/http@^1",
    "jsr:@std/yaml@^1",
  ]);
  for (const target of fromJsr) {
    const version = specifiers[target.replace("@^1", "@1")] ?? "none";
    assert.match(version, /^1\.\d+\.\d+$/, target);
    const { integrity } =
      jsr[`${target.slice("jsr:".length, -3)}@${version}`] ??
        {};
    // The SHA-256 of the version's list of files and their hashes.
    assert.match(integrity ?? "", /^[0-9a-f]{64}$/, target);
  }
});

Deno.test("deno task start gives the proxy the permissions of its executable", () => {
  const words = config.tasks.start.command.split(" ");
  for (const flag of PROXY_FLAGS) assert.ok(words.includes(flag), flag);
  const given = words.filter((word) => /^-./.test(word) && word !== "-A");
  assert.deepEqual(new Set(given), new Set(PROXY_FLAGS));
});
