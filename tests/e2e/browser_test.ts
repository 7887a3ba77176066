/**
 * What it is all for: a browser on one origin, with a page, an API behind an
 * HTTP-only session cookie, an admin login and a live WebSocket, through the
 * shipped `config.yaml`.
 *
 * @module
 */
import { ok, strictEqual as equal } from "node:assert/strict";
import { startDemo } from "../../demo/start.ts";
import { loadPlan } from "../../lib/config/load.ts";
import { createAccessLog } from "../../lib/observe/access_log.ts";
import { startServer } from "../../lib/server/server.ts";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { testNeeding } from "../support/skip.ts";

testNeeding(
  [CHROMIUM],
  "two browsers log in, chat and reach the admin on one origin",
  async () => {
    const demo = startDemo({});
    const addresses = new Map(
      demo.parts.map((part) => [part.upstream.toUpperCase(), part.address]),
    );
    const plan = loadPlan(
      await Deno.readTextFile(new URL("../../config.yaml", import.meta.url)),
      {
        source: "config.yaml",
        env: (name) => addresses.get(name),
        overrides: { listen: "127.0.0.1:0" },
      },
    );
    const server = startServer(plan, {
      accessLog: createAccessLog("off", () => Promise.resolve()),
      errorLog() {},
    });
    const url = server.addresses[0]!.url;
    const browser = await launchBrowser();
    try {
      const join = async (name: string) => {
        const page = await (await browser.newContext()).newPage();
        await page.goto(url);
        await page.fill("#name", name);
        await page.fill("#password", "demo");
        await page.press("#password", "Enter");
        await page.waitForSelector("#composer", { state: "visible" });
        await page.waitForSelector("#connection:has-text('Live')");
        return page;
      };
      const ada = await join("ada");
      const bob = await join("bob");
      const say = async (page: typeof ada, words: string) => {
        await page.fill("#text", words);
        await page.press("#text", "Enter");
      };
      await say(ada, "hello from ada");
      await bob.waitForSelector("text=hello from ada");
      await say(bob, "hello from bob");
      await ada.waitForSelector("text=hello from bob");

      const visible = await ada.evaluate("document.cookie") as string;
      ok(!visible.includes("sessionid"), visible);
      const cookies = await ada.context().cookies();
      ok(cookies.find(({ name }) => name === "sessionid")?.httpOnly);

      const admin = await (await browser.newContext()).newPage();
      await admin.goto(url + "/admin/");
      // The backend redirects to its own name; the browser stays on the origin.
      equal(new URL(admin.url()).origin, new URL(url).origin);
      equal(new URL(admin.url()).pathname, "/admin/login/");
    } finally {
      await browser.close();
      server.abort();
      await server.finished;
      await demo.stop();
    }
  },
);
