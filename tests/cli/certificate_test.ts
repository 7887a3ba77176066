/**
 * Certificates of the running proxy, with the executable's permissions.
 *
 * @module
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import {
  certificateFolder,
  testAuthority,
  type TestCertificate,
} from "../support/certificates.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import {
  type RunningProcess,
  sameorigin,
  startSameorigin,
} from "../support/process.ts";
import { soon } from "../support/soon.ts";
import { servedSerial, trusting } from "../support/tls_client.ts";

/** Elsewhere a new certificate needs a restart. */
const ignore = Deno.build.os !== "linux";

const authority = await testAuthority();
const folder = certificateFolder();
Deno.test.afterAll(() => folder[Symbol.dispose]());

const serialOf = ({ certificate }: TestCertificate) =>
  new X509Certificate(certificate).serialNumber;

/** Writes a config with the certificate `site`. */
function config(upstream: number, rest = ""): string {
  return folder.write(
    "config.yaml",
    `listen: 127.0.0.1:0 ssl
ssl_certificate: site.crt
ssl_certificate_key: site.key
locations: {/: "http://127.0.0.1:${upstream}"}
${rest}`,
  );
}

async function portOf(running: RunningProcess): Promise<number> {
  const [, port] = await running.until(/https:\/\/localhost:(\d+)/);
  return Number(port);
}

/** Resolves when a new connection has got this certificate. */
async function untilServed(port: number, certificate: TestCertificate) {
  while (await servedSerial(port) !== serialOf(certificate));
}

for (const workers of [1, 2]) {
  Deno.test({
    name:
      `replaced files are served without a reload, and no WebSocket is lost (workers: ${workers})`,
    ignore,
    async fn() {
      const [first, second] = [
        await authority.certify(),
        await authority.certify(),
      ];
      folder.install("site", first);
      await using echo = echoUpstream();
      const path = config(echo.port, `workers: ${workers}\n`);
      await using running = await startSameorigin(["-c", path, "--watch"]);
      const port = await portOf(running);
      using client = trusting(authority, false);
      const socket = await echoClient(`https://127.0.0.1:${port}`, client);
      assert.equal(await servedSerial(port), serialOf(first));

      folder.install("site", second);
      await running.until(
        /^changed: .+ in effect: .+, new certificate on 127\.0\.0\.1:0 ssl/m,
      );
      await soon("the new one is served", untilServed(port, second));
      assert.equal(await socket.echo("still there"), "still there");
      await socket.close();

      // What can't be used changes nothing.
      folder.write("site.key", first.key);
      await running.until(/key does not belong to the certificate/);
      folder.write("site.key", second.key);
      await soon("it is served still", untilServed(port, second));
    },
  });
}

Deno.test({
  name: "SIGHUP serves a new certificate without --watch",
  ignore,
  async fn() {
    const [first, second] = [
      await authority.certify(),
      await authority.certify(),
    ];
    folder.install("site", first);
    const path = config(9);
    await using running = await startSameorigin(["-c", path]);
    const port = await portOf(running);
    folder.install("site", second);
    running.kill("SIGHUP");
    await running.until(/^SIGHUP: .+new certificate/m);
    await soon("the new one is served", untilServed(port, second));
  },
});

Deno.test("check fails on a certificate that clients would not take, run only warns", async () => {
  folder.install("site", await authority.certify({ until: -1000 }));
  const path = config(9);
  const { code, stderr } = await sameorigin(["check", "-c", path]);
  assert.equal(code, 2);
  assert.match(stderr, /ssl_certificate: the certificate in .+ expired on /);
  await using running = await startSameorigin(["-c", path]);
  await running.until(/ssl_certificate: warning: .+ expired on /);
  await portOf(running);
});

Deno.test("health and reload reach a proxy that has HTTPS only", async () => {
  folder.install("site", await authority.certify());
  const path = config(9);
  await using running = await startSameorigin(["-c", path]);
  const port = await portOf(running);
  const listen = ["--listen", `127.0.0.1:${port}`];
  const health = await sameorigin(["health", ...listen]);
  assert.equal(health.code, 0, health.stderr);
  const reload = await sameorigin(["reload", "-c", path, ...listen]);
  assert.equal(reload.code, 0, reload.stderr);
  await running.until(/^sameorigin reload: /m);
});

Deno.test("doctor asks a proxy with HTTPS as browsers do", async () => {
  folder.install("site", await authority.certify());
  await using upstream = await echoUpstream();
  const path = config(upstream.port);
  await using running = await startSameorigin(["-c", path]);
  const port = await portOf(running);
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("127.0.0.1:0", `${port}`));
  const trusted = folder.write("authority.pem", authority.pem);
  const { stdout } = await sameorigin(["doctor", "--json", "-c", path], {
    env: { DENO_CERT: trusted },
  });
  const { url, findings } = JSON.parse(stdout);
  assert.equal(url, `https://localhost:${port}/`);
  // The upstream has no page, which is seen only where it was asked.
  assert.ok(!/certificate|answers at/.test(JSON.stringify(findings)), stdout);
});
