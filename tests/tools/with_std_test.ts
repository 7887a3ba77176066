import assert from "node:assert/strict";
import { chooseStd, type Surroundings } from "../../tools/with_std.ts";
import { freePort } from "../support/free_port.ts";

const HOUR = 60 * 60 * 1_000;

/** Surroundings with nothing at hand, and what was asked of them. */
function surroundings(differences: Partial<Surroundings>) {
  const asked: string[] = [];
  const noting = <T>(name: string, answer: () => T) => () => {
    asked.push(name);
    return answer();
  };
  const around: Surroundings = {
    forced: undefined,
    failedAt: () => null,
    isCached: () => Promise.resolve(false),
    answers: () => Promise.resolve(false),
    remember: () => {},
    ...differences,
  };
  return {
    asked,
    around: {
      forced: around.forced,
      failedAt: noting("failedAt", around.failedAt),
      isCached: noting("isCached", around.isCached),
      answers: noting("answers", around.answers),
      remember: noting("remember", around.remember),
    },
  };
}

Deno.test("SAMEORIGIN_STD decides where @std comes from without a look", async () => {
  for (const forced of ["jsr", "npm"]) {
    const { around, asked } = surroundings({ forced });
    assert.equal(await chooseStd(around), forced);
    assert.deepEqual(asked, []);
  }
});

Deno.test("a SAMEORIGIN_STD that is neither jsr nor npm is a mistake", async () => {
  for (const forced of ["JSR", "real", "jsr "]) {
    const { around } = surroundings({ forced });
    await assert.rejects(
      chooseStd(around),
      /SAMEORIGIN_STD is ".+": jsr or npm/,
    );
  }
  const { around } = surroundings({
    forced: "",
    isCached: () => Promise.resolve(true),
  });
  assert.equal(await chooseStd(around), "jsr");
});

Deno.test("JSR is not asked again within an hour of not answering", async () => {
  const { around, asked } = surroundings({
    failedAt: () => Date.now() - HOUR + 60_000,
  });
  assert.equal(await chooseStd(around), "npm");
  assert.deepEqual(asked, ["failedAt"]);
});

Deno.test("JSR is asked again after an hour", async () => {
  const { around } = surroundings({
    failedAt: () => Date.now() - HOUR - 60_000,
    answers: () => Promise.resolve(true),
  });
  assert.equal(await chooseStd(around), "jsr");
});

Deno.test("a cached @std is used without the network", async () => {
  const { around, asked } = surroundings({
    isCached: () => Promise.resolve(true),
  });
  assert.equal(await chooseStd(around), "jsr");
  assert.deepEqual(asked, ["failedAt", "isCached"]);
});

Deno.test("a JSR that does not answer is noted", async () => {
  const { around, asked } = surroundings({});
  assert.equal(await chooseStd(around), "npm");
  assert.deepEqual(asked, ["failedAt", "isCached", "answers", "remember"]);
});

/** A copy of the tool and what it reads, so that it has notes of its own. */
async function workspace(): Promise<AsyncDisposable & { dir: string }> {
  const dir = await Deno.makeTempDir();
  const root = new URL("../../", import.meta.url);
  await Deno.mkdir(`${dir}/tools/std`, { recursive: true });
  const files = ["deno.json", "tools/with_std.ts"];
  for await (const { name } of Deno.readDir(new URL("tools/std", root))) {
    files.push(`tools/std/${name}`);
  }
  for (const file of files) {
    await Deno.copyFile(new URL(file, root), `${dir}/${file}`);
  }
  return {
    dir,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** Starts the tool on a script. */
function withStd(
  dir: string,
  script: string,
  env: Record<string, string>,
): Deno.Command {
  Deno.writeTextFileSync(`${dir}/script.ts`, script);
  const args = ["run", "-A", "tools/with_std.ts", "run", "-qA", "script.ts"];
  return new Deno.Command(Deno.execPath(), {
    args,
    cwd: dir,
    // Not the choice that this process inherited.
    env: { SAMEORIGIN_STD: "", NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

const PRINTS_YAML = `import { parse } from "@std/yaml/parse";
console.log(JSON.stringify(parse("a: 010")));`;

const FALLBACK =
  "JSR can't be reached: using tools/std/ instead of @std for now.";

async function outcome(command: Deno.Command, input = "") {
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("a JSR that swallows packets delays one start, not the next", async () => {
  await using project = await workspace();
  // Not the three seconds that it is given elsewhere.
  const tool = `${project.dir}/tools/with_std.ts`;
  const text = await Deno.readTextFile(tool);
  const hasty = text.replace(" = 3_000;", " = 300;");
  assert.notEqual(hasty, text);
  await Deno.writeTextFile(tool, hasty);
  await using silent = silentRegistry();
  const env = { JSR_URL: silent.url };
  const first = await outcome(withStd(project.dir, PRINTS_YAML, env));
  assert.deepEqual(first, { code: 0, stdout: '{"a":8}', stderr: FALLBACK });
  assert.equal(silent.connections(), 1);

  const second = await outcome(withStd(project.dir, PRINTS_YAML, env));
  assert.deepEqual(second, { code: 0, stdout: '{"a":8}', stderr: FALLBACK });
  assert.equal(silent.connections(), 1);
});

Deno.test("with SAMEORIGIN_STD=jsr a JSR that can't be reached is an error", async () => {
  await using project = await workspace();
  const env = {
    SAMEORIGIN_STD: "jsr",
    // Deno's cache has nothing from there.
    JSR_URL: `http://127.0.0.1:${freePort()}`,
  };
  const { code, stdout, stderr } = await outcome(
    withStd(project.dir, PRINTS_YAML, env),
  );
  assert.notEqual(code, 0);
  assert.equal(stdout, "");
  assert.match(stderr, /JSR package manifest for '@std\/yaml' failed to load/);
  assert.ok(!stderr.includes(FALLBACK));
});

Deno.test("@std comes from a JSR that answers, and then from the cache", async () => {
  await using project = await workspace();
  const script = `import "@std/cli/parse-args";
    import "@std/http/negotiation";
    import "@std/http/status";
    import { from } from "@std/yaml/parse";
    console.log(from);`;
  const env = { DENO_DIR: `${project.dir}/cache`, JSR_URL: "" };
  {
    await using registry = registryOfMarkers();
    env.JSR_URL = registry.url;
    const { code, stdout } = await outcome(withStd(project.dir, script, env));
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "jsr" });
  }
  const cached = await outcome(withStd(project.dir, script, env));
  assert.deepEqual(cached, { code: 0, stdout: "jsr", stderr: "" });
});

Deno.test("input and exit code pass through", async () => {
  await using project = await workspace();
  const script = `console.log(await new Response(Deno.stdin.readable).text());
    Deno.exit(7);`;
  const env = { SAMEORIGIN_STD: "npm" };
  assert.deepEqual(
    await outcome(withStd(project.dir, script, env), "from outside"),
    { code: 7, stdout: "from outside", stderr: "" },
  );
});

Deno.test({
  name: "a signal reaches the program, which ends as it likes",
  // Windows has none.
  ignore: Deno.build.os === "windows",
  async fn() {
    await using project = await workspace();
    const script = `Deno.addSignalListener("SIGTERM", () => {
        console.log("asked to end");
        Deno.exit(3);
      });
      setTimeout(() => Deno.exit(9), 60_000);
      console.log("ready");`;
    const child = withStd(project.dir, script, { SAMEORIGIN_STD: "npm" })
      .spawn();
    await child.stdin.close();
    const lines = child.stdout.pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const part of lines) {
      text += part;
      if (text === "ready\n") child.kill("SIGTERM");
    }
    assert.equal(text, "ready\nasked to end\n");
    assert.equal((await child.status).code, 3);
    await child.stderr.cancel();
  },
});

/** A registry that accepts connections and says nothing. */
function silentRegistry() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    connections: () => accepted.length,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of accepted) connection.close();
    },
  };
}

/** A registry whose every @std module says that it is from there. */
function registryOfMarkers() {
  const source = new TextEncoder().encode(`export const from = "jsr";\n`);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async ({ url }) => {
      const { pathname } = new URL(url);
      if (pathname.endsWith("/meta.json")) {
        return Response.json({ latest: "1.0.0", versions: { "1.0.0": {} } });
      }
      if (!pathname.endsWith("_meta.json")) {
        const headers = { "content-type": "application/typescript" };
        return new Response(source, { headers });
      }
      const digest = await crypto.subtle.digest("SHA-256", source);
      const checksum = `sha256-${new Uint8Array(digest).toHex()}`;
      return Response.json({
        manifest: { "/mod.ts": { size: source.length, checksum } },
        exports: {
          "./parse": "./mod.ts",
          "./parse-args": "./mod.ts",
          "./negotiation": "./mod.ts",
          "./status": "./mod.ts",
        },
      });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
