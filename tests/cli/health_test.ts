/**
 * `health`, with a proxy, without one, and with other programs on its port.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startProxy } from "../support/proxy.ts";
import { rawUpstream } from "../support/raw_upstream.ts";
import { command } from "../support/terminal.ts";

/** What it says about a port of this machine. */
async function health(port: number) {
  const config = await Deno.makeTempFile();
  try {
    // The address is the config's, but for the port.
    await Deno.writeTextFile(
      config,
      `listen: 127.0.0.1:${port}\nlocations: {/: http://a:81}\n`,
    );
    return await command("health", "-c", config);
  } finally {
    await Deno.remove(config);
  }
}

Deno.test("a proxy that runs is alive, whatever its upstreams are", async () => {
  await using upstream = rawUpstream((connection) =>
    connection.readToEnd().then(() => {})
  );
  await using proxy = startProxy({
    server_name: "example.com",
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  assert.deepEqual(await health(proxy.port), {
    code: 0,
    output: `alive: 127.0.0.1:${proxy.port} answers (405)\n`,
    notes: "",
  });
  assert.equal(upstream.connections, 0);
});

Deno.test("with --listen no file is read, and every address is this machine's own", async () => {
  await using proxy = startProxy({
    listen: "0.0.0.0:0",
    locations: { "/": "http://127.0.0.1:81" },
  });
  const missing = ["-c", "/does/not/exist.yaml"];
  for (const listen of [`${proxy.port}`, `0.0.0.0:${proxy.port}`]) {
    const answer = {
      code: 0,
      output: `alive: 127.0.0.1:${proxy.port} answers (405)\n`,
      notes: "",
    };
    assert.deepEqual(
      await command("health", ...missing, "--listen", listen),
      answer,
    );
  }
  const { code, notes } = await command("health", "--listen", "nowhere");
  assert.equal(code, 2);
  assert.match(notes, /^sameorigin: --listen: .*\nWrite it as --listen 9001 /);
});

Deno.test("a config with problems does not make a running proxy unhealthy", async () => {
  await using proxy = startProxy({ locations: { "/": "http://127.0.0.1:81" } });
  const at = `127.0.0.1:${proxy.port}`;
  Deno.env.set("HEALTH_TEST_LISTEN", at);
  const broken = [
    `listen: ${at}\nlocatoins: {/: http://a:81}\n`,
    `listen: [${at}, 9001]\nlocations: 7\n`,
    `listen: \${HEALTH_TEST_LISTEN}\nlocations: {/: "http://\${NOT_SET}"}\n`,
    `servers:\n- listen: ["${at}"]\n  locations: {/: nowhere}\n- listen: 1\n`,
    // Not even YAML.
    `listen: ${at}\nlocations: {/: [\n`,
    `server_name: x: y\nlisten:\n  - ${at} # ours\nlocations: {}\n`,
  ];
  const config = await Deno.makeTempFile();
  try {
    for (const text of broken) {
      await Deno.writeTextFile(config, text);
      assert.deepEqual(await command("health", "-c", config), {
        code: 0,
        output: `alive: ${at} answers (405)\n`,
        notes: `${config} has problems (sameorigin check shows them): only ` +
          "its listen was read\n",
      });
    }
  } finally {
    await Deno.remove(config);
    Deno.env.delete("HEALTH_TEST_LISTEN");
  }
});

Deno.test("without a listen that can be read the default is assumed, and named", async () => {
  // Whether something listens on port 9000 of this machine is not ours.
  const answer = /^(alive|sameorigin: not alive): 127\.0\.0\.1:9000 /;
  const missing = `${await Deno.makeTempDir()}/none.yaml`;
  const absent = await command("health", "-c", missing);
  assert.match(absent.output + absent.notes, answer);
  const assumed = "the default listen, 9000, was assumed\n";
  assert(
    absent.notes.endsWith(`there is no file ${missing}: ${assumed}`),
    absent.notes,
  );
  for (const text of ["listen: [\n", "listen: {}\n", "", "listen: x\n- 7"]) {
    await Deno.writeTextFile(missing, text);
    const unusable = await command("health", "-c", missing);
    assert.match(unusable.output + unusable.notes, answer);
    assert(
      unusable.notes.endsWith(
        `has problems (sameorigin check shows them): ${assumed}`,
      ),
      unusable.notes,
    );
  }
  await Deno.remove(missing.slice(0, -"/none.yaml".length), {
    recursive: true,
  });
});

Deno.test("a port where nothing listens is not alive", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  assert.deepEqual(await health(port), {
    code: 1,
    output: "",
    notes: `sameorigin: not alive: 127.0.0.1:${port} refuses the connection: ` +
      "nothing listens there\n",
  });
});

Deno.test("what does not speak HTTP, or hangs up, is not alive", async () => {
  for (const answer of ["220 mail.example ESMTP\r\n", ""]) {
    await using other = rawUpstream(async (connection) => {
      await connection.readHead();
      await connection.write(answer);
    });
    const { code, notes } = await health(other.port);
    assert.equal(code, 1);
    assert.match(notes, /does not speak HTTP\n$/);
  }
});

Deno.test("what says nothing for 3 seconds is not alive", async () => {
  await using silent = rawUpstream((connection) =>
    connection.readToEnd().then(() => {})
  );
  const started = performance.now();
  const { code, notes } = await health(silent.port);
  assert.equal(code, 1);
  assert.match(notes, /gave no answer in 3 s\n$/);
  assert(performance.now() - started < 5_000);
});
