/**
 * The page for phones of `deno task dev --https`, in a browser of a phone's size.
 *
 * @module
 */
import axe from "axe-core";
import assert from "node:assert/strict";
import { localHttps } from "../../tools/local_https.ts";
import { startPhoneServer } from "../../tools/phone/server.ts";
import { trust } from "../../tools/trust.ts";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { testNeeding } from "../support/skip.ts";

const PHONE = { width: 360, height: 740 };

const AGENT =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15";

/** The page, and https behind it. */
async function startSite(folder: string) {
  const https = await localHttps([], `${folder}/https`);
  const pem = await Deno.readTextFile(https.certificate);
  const site = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: pem, key: pem, onListen() {} },
    () => new Response("the site"),
  );
  const phone = await startPhoneServer({
    authority: await Deno.readTextFile(https.authority),
    hostname: "127.0.0.1",
    port: 0,
    httpsPort: site.addr.port,
    addresses: ["127.0.0.1"],
  });
  return {
    url: phone.urls[0]!,
    async [Symbol.asyncDispose]() {
      await phone.stop();
      await site.shutdown();
    },
  };
}

testNeeding(
  [CHROMIUM, "certutil"],
  "the page for phones says whether the certificate is trusted, is readable, and has nothing from elsewhere",
  async (t) => {
    const home = await Deno.makeTempDir({ prefix: "sameorigin-phone-" });
    {
      await using site = await startSite(home);
      const browser = await launchBrowser(home);
      try {
        for (const colorScheme of ["light", "dark"] as const) {
          await t.step(`before, ${colorScheme}`, async () => {
            const page = await browser.newPage({
              viewport: PHONE,
              colorScheme,
              userAgent: AGENT,
            });
            const asked: string[] = [];
            const said: string[] = [];
            page.on("request", (request) => asked.push(request.url()));
            page.on("console", (message) => said.push(message.text()));
            await page.goto(site.url);
            await page.waitForSelector("#status:has-text('Not yet')");
            assert.ok(await page.isVisible("text=Certificate Trust Settings"));
            assert.equal(await page.isVisible("text=screen lock"), false);
            const width = "document.documentElement.scrollWidth";
            assert.equal(await page.evaluate(width), PHONE.width);
            const { origin } = new URL(
              await page.getAttribute("p a", "href") ?? "",
            );
            assert.deepEqual(asked, [site.url, `${origin}/`]);
            assert.deepEqual(
              said.filter((line) => !line.includes("ERR_CERT_AUTHORITY")),
              [],
            );
            // All parts, for axe.
            await page.click("#android summary");
            await page.evaluate(axe.source);
            const { violations } = await page.evaluate(
              "axe.run()",
            ) as axe.AxeResults;
            assert.deepEqual(
              violations.map(({ id, nodes }) => [
                id,
                nodes.map(({ html }) => html),
              ]),
              [],
            );
            await page.close();
          });
        }
      } finally {
        await browser.close();
      }

      // On a phone that is done by hand.
      const trusted = await trust(true, home, `${home}/https`);
      assert.ok(trusted.ok, trusted.message);
      const other = await launchBrowser(home);
      try {
        const page = await other.newPage();
        await page.goto(site.url);
        await page.waitForSelector("#status:has-text('Yes')");
        await page.click("text=Open https://");
        await page.waitForSelector("text=the site");
      } finally {
        await other.close();
      }
    }
    await Deno.remove(home, { recursive: true });
  },
);
