/**
 * `health`, against proxies and against what is none.
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

Deno.test("a proxy on every address is asked on this machine's own", async () => {
  await using proxy = startProxy({
    listen: "0.0.0.0:0",
    locations: { "/": "http://127.0.0.1:81" },
  });
  const config = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(config, "locations: {/: http://a:81}\n");
    const { code, output } = await command(
      ...["health", "-c", config, "--listen", String(proxy.port)],
    );
    assert.equal(code, 0);
    assert.match(output, /^alive: 127\.0\.0\.1:/);
  } finally {
    await Deno.remove(config);
  }
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
