/**
 * HTTPS on this machine, as `deno task dev --https` makes it: Chromium trusts its
 * authority, and what needs a secure origin works.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startDemo } from "../../demo/start.ts";
import { loadPlan } from "../../lib/config/load.ts";
import { createAccessLog } from "../../lib/observe/access_log.ts";
import { startServer } from "../../lib/server/server.ts";
import { localHttps } from "../../tools/local_https.ts";
import { trust } from "../../tools/trust.ts";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { testNeeding } from "../support/skip.ts";

/** The proxy before the demo, over HTTPS. */
async function startSite(folder: string) {
  const https = await localHttps(["app.localhost"], `${folder}/https`);
  const demo = startDemo({});
  const addresses = new Map(
    demo.parts.map((part) => [part.upstream.toUpperCase(), part.address]),
  );
  const plan = loadPlan(
    await Deno.readTextFile(new URL("../../config.yaml", import.meta.url)),
    {
      source: "config.yaml",
      env: (name) => addresses.get(name),
      overrides: { listen: "127.0.0.1:0 ssl", certificate: https.certificate },
    },
  );
  assert.deepEqual(plan.certificateDoubts, []);
  const server = startServer(plan, {
    accessLog: createAccessLog("off", () => Promise.resolve()),
    errorLog() {},
  });
  return {
    https,
    port: server.addresses[0]!.port,
    async [Symbol.asyncDispose]() {
      server.abort();
      await server.finished;
      await demo.stop();
    },
  };
}

async function folderForTest() {
  const path = await Deno.makeTempDir({ prefix: "sameorigin-https-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

Deno.test("whoever trusts the authority gets the page by every name", async () => {
  await using folder = await folderForTest();
  await using site = await startSite(folder.path);
  const authority = await Deno.readTextFile(site.https.authority);
  using client = Deno.createHttpClient({ caCerts: [authority] });
  for (const host of ["localhost", "127.0.0.1"]) {
    const response = await fetch(`https://${host}:${site.port}/`, { client });
    assert.match(await response.text(), /<title>sameorigin demo<\/title>/);
  }
  await assert.rejects(fetch(`https://localhost:${site.port}/`));
  assert.ok(site.https.names.includes("app.localhost"));
  if (Deno.build.os !== "windows") {
    for (const name of ["authority.key", "localhost.pem"]) {
      const { mode } = await Deno.stat(`${folder.path}/https/${name}`);
      assert.equal((mode ?? 0) & 0o777, 0o600, name);
    }
  }
});

Deno.test("the authority is made once, the certificate at each start", async () => {
  await using folder = await folderForTest();
  const read = async () => {
    const { authority, certificate } = await localHttps([], folder.path);
    return [authority, certificate].map((path) => Deno.readTextFileSync(path));
  };
  const [authority, certificate] = await read();
  const [sameAuthority, other] = await read();
  assert.equal(authority, sameAuthority);
  assert.notEqual(certificate, other);
});

testNeeding(
  [CHROMIUM, "certutil"],
  "in a browser that trusts it: a login with a Secure cookie, and a chat over WebSockets",
  async () => {
    await using folder = await folderForTest();
    await using site = await startSite(folder.path);
    const home = folder.path;
    const trusted = await trust(true, home, `${home}/https`);
    assert.ok(trusted.ok, trusted.message);
    const url = `https://localhost:${site.port}`;
    const browser = await launchBrowser(home);
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await page.fill("#name", "ada");
      await page.fill("#password", "demo");
      await page.press("#password", "Enter");
      await page.waitForSelector("#connection:has-text('Live')");
      await page.fill("#text", "hello over TLS");
      await page.press("#text", "Enter");
      await page.waitForSelector("text=hello over TLS");
      assert.equal(await page.evaluate("isSecureContext"), true);
      const cookies = await page.context().cookies();
      const session = cookies.find(({ name }) => name === "sessionid");
      assert.equal(session?.secure, true);
    } finally {
      await browser.close();
    }

    assert.ok((await trust(false, home, `${home}/https`)).ok);
    const other = await launchBrowser(home);
    try {
      const page = await other.newPage();
      await assert.rejects(page.goto(url), /ERR_CERT_AUTHORITY_INVALID/);
    } finally {
      await other.close();
    }
    // There is nothing left to take away.
    assert.equal((await trust(false, home, `${home}/https`)).ok, false);
  },
);
