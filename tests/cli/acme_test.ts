/**
 * Certificates of an authority, from the start of the proxy through renewals, with
 * the executable's permissions and Pebble as the authority.
 *
 * @module
 */
import assert from "node:assert/strict";
import { freePort } from "../support/free_port.ts";
import { type Pebble, startPebble } from "../support/pebble.ts";
import { withoutPebble } from "../support/pebble_programs.ts";
import {
  type RunningProcess,
  sameorigin,
  startSameorigin,
} from "../support/process.ts";
import { soon } from "../support/soon.ts";
import { testUnless } from "../support/skip.ts";
import { servedCertificate } from "../support/tls_client.ts";

const reason = await withoutPebble();

/** A folder with a config, and what a process needs to run it. */
async function site(pebble: Pebble, http: number, rest = "") {
  const dir = await Deno.makeTempDir({ prefix: "sameorigin-acme-" });
  const path = `${dir}/config.yaml`;
  await Deno.writeTextFile(
    path,
    `listen: 127.0.0.1:${freePort()} ssl
server_name: [shop.example, www.shop.example]
state_dir: state
redirect_to_https: 127.0.0.1:${http}
ssl_certificate: {acme: {email: me@shop.example, directory: "${pebble.directory}"}}
locations: {/: {return: [200, "$scheme"]}}
${rest}`,
  );
  const authority = `${dir}/authority.pem`;
  await Deno.writeTextFile(authority, pebble.authority);
  return {
    dir,
    path,
    start: (permissions = [`--allow-write=${dir}/state`]) =>
      startSameorigin(["-c", path], {
        permissions,
        env: { DENO_CERT: authority },
      }),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

async function portOf(running: RunningProcess): Promise<number> {
  const [, port] = await running.until(/https:\/\/localhost:(\d+)/);
  return Number(port);
}

for (const workers of [1, 2]) {
  testUnless(
    reason,
    `a certificate is issued after the start, kept, and used again (workers: ${workers})`,
    async () => {
      const http = freePort();
      // Nonces are refused, as an authority may (RFC 8555 section 6.5): one in seven,
      // since after five in a row it would be tried again two minutes later.
      const pebble = await startPebble({ httpPort: http, badNonces: 14 });
      await using stack = new AsyncDisposableStack();
      const stop = () => pebble[Symbol.asyncDispose]();
      stack.defer(stop);
      await using files = await site(pebble, http, `workers: ${workers}\n`);
      {
        await using running = await files.start();
        const port = await portOf(running);
        await running.until(/^certificate: .+new certificate on 127/m);
        // Pebble's are valid for clients that trust it alone.
        await soon(
          "it is served",
          (async () => {
            while ((await servedCertificate(port)).issuer !== "Pebble");
          })(),
        );
        assert.deepEqual((await servedCertificate(port)).names, [
          "shop.example",
          "www.shop.example",
        ]);
        const response = await fetch(`http://127.0.0.1:${http}/x`, {
          redirect: "manual",
        });
        await response.body?.cancel();
        assert.equal(response.status, 308);
        running.kill("SIGTERM");
        assert.equal((await running.ended).code, 0);
      }
      const names = [...Deno.readDirSync(`${files.dir}/state`)]
        .map(({ name }) => name.replace(/-[0-9a-f]{8}/, "")).toSorted();
      assert.deepEqual(names, ["account.pem", "certificates", "challenges"]);
      assert.deepEqual(
        [...Deno.readDirSync(`${files.dir}/state/challenges`)],
        [],
      );
      if (Deno.build.os !== "windows") {
        for (const folder of ["", "certificates"]) {
          const path = `${files.dir}/state/${folder}`;
          for (const { name, isFile } of Deno.readDirSync(path)) {
            const { mode } = Deno.statSync(`${path}/${name}`);
            assert.equal((mode ?? 0) & 0o777, isFile ? 0o600 : 0o700, name);
          }
        }
      }
      assert.equal(pebble.orders(), 1);
      await stack.disposeAsync();

      // The authority need not be there for a second start.
      await using again = await files.start();
      const { issuer } = await servedCertificate(await portOf(again));
      assert.equal(issuer, "Pebble");
    },
  );
}

testUnless(
  reason,
  "a challenge that fails is told, with what to look at, and tried again",
  async () => {
    const http = freePort();
    await using pebble = await startPebble({ httpPort: freePort() });
    await using files = await site(pebble, http);
    await using running = await files.start();
    const port = await portOf(running);
    const [line] = await running.until(/^sameorigin: no certificate for .+\n/m);
    assert.match(
      line,
      /^sameorigin: no certificate for shop\.example, www\.shop\.example from 127\.0\.0\.1:\d+ yet: (?:www\.)?shop\.example: \w+: .+ \(the name must lead here, and port 80 be open to the internet\); next try in [23] min\n$/,
    );
    // Meanwhile it is served all the same.
    const { issuer } = await servedCertificate(port);
    assert.match(issuer, /^sameorigin/);
    running.kill("SIGTERM");
    assert.equal((await running.ended).code, 0);
  },
);

testUnless(
  reason,
  "an authority that can't be asked is told, and does not keep the proxy from ending",
  async () => {
    const http = freePort();
    const pebble = await startPebble({ httpPort: http });
    await using files = await site(pebble, http);
    await pebble[Symbol.asyncDispose]();
    await using running = await files.start();
    await running.until(
      /^sameorigin: no certificate for .+ can't be asked: .+; next try in [23] min$/m,
    );
    running.kill("SIGTERM");
    assert.equal((await running.ended).code, 0);
  },
);

Deno.test("a state_dir that can't be written is named, with what is missing", async () => {
  await using files = await site({
    directory: "https://127.0.0.1:1/dir",
    authority: "",
  } as Pebble, freePort());
  const { code } = await sameorigin(["check", "-c", files.path]);
  assert.equal(code, 0);
  const dir = await Deno.realPath(files.dir);
  const { code: failed, stderr } = await sameorigin([
    "-c",
    `${dir}/config.yaml`,
  ]);
  assert.equal(failed, 2);
  assert.equal(
    stderr,
    `${dir}/config.yaml: state_dir: ${dir}/state can't be written: deno was ` +
      `started without --allow-write=${dir}/state\n`,
  );
});
