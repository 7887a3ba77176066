/**
 * Takes the README's picture of the chat:
 *
 *     deno run -A tools/with_std.ts run -A tests/e2e/chat/screenshot.ts
 *
 * @module
 */
import { join } from "node:path";
import type { Page } from "playwright-core";
import { ROOT } from "../../../tools/stack/places.ts";
import { startStack } from "../../../tools/stack/start_stack.ts";
import { launchBrowser } from "../../support/browser.ts";
import { newPerson, say, signIn, untilSeen } from "./page.ts";

const WORDS = [
  ["bob", "Hi! Is the new chat up?"],
  ["alice", "Since five minutes ago. You are in it."],
  ["alice", "Page, API, admin, WebSocket: one origin."],
  ["bob", "So no CORS, and the cookie is just there?"],
  ["alice", "HTTP-only, out of reach of any script."],
  ["bob", "And Vite reloads while I edit. Nice!"],
] as const;

/** Of each of the two windows, in pixels of the page. */
const WINDOW = { width: 752, height: 620 };
/** With it, both fit side by side into 1200 pixels. */
const SCALE = 0.75;

await using stack = await startStack({ frontend: "preview", port: 9000 });
await using browser = await launchBrowser();
const windows = {
  alice: await open("alice", "light"),
  bob: await open("bob", "dark"),
};
for (const [name, text] of WORDS) {
  await say(windows[name], text);
  for (const page of Object.values(windows)) await untilSeen(page, text);
}
const frames: string[] = [];
for (const page of Object.values(windows)) {
  await page.getByTestId("presence-count").filter({ hasText: /^2$/ }).waitFor();
  const image = await page.screenshot({ animations: "disabled" });
  frames.push(`data:image/png;base64,${image.toBase64()}`);
}
const desk = await browser.newPage({ viewport: { width: 1200, height: 100 } });
await desk.setContent(`<!doctype html>
  <style>
    body {
      display: flex; justify-content: space-between; margin: 0; padding: 24px;
      font: 12px system-ui, sans-serif; background: #dfe3ee;
    }
    figure {
      width: ${WINDOW.width * SCALE}px; margin: 0; overflow: hidden;
      background: #fff; border-radius: 10px; box-shadow: 0 6px 16px #0003;
    }
    figcaption { padding: 8px; color: #5d6273; text-align: center; background: #eceef4; }
    figure + figure figcaption { color: #9ba1b3; background: #2c303a; }
    img { display: block; width: 100%; }
  </style>
  ${
  frames.map((it) =>
    `<figure><figcaption>${stack.origin}</figcaption><img src="${it}"></figure>`
  ).join("")
}`);
await desk.screenshot({
  path: join(ROOT, "docs", "chat.png"),
  fullPage: true,
});

async function open(
  name: "alice" | "bob",
  colorScheme: "light" | "dark",
): Promise<Page> {
  const context = await newPerson(browser, {
    viewport: WINDOW,
    deviceScaleFactor: SCALE,
    colorScheme,
  });
  const page = await context.newPage();
  await page.goto(stack.origin);
  await signIn(page, stack.users[name]);
  return page;
}
