/**
 * The chat of `examples/chat` while one works on it: Vite's development server
 * and `--dev` behind one origin.
 *
 * @module
 */
import {
  deepStrictEqual as deepEqual,
  match,
  strictEqual as equal,
} from "node:assert/strict";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Scenario } from "../../support/chat.ts";
import { enter, type Socket, sockets, untilConnected } from "./page.ts";

export const development: Scenario = {
  key: "development",
  name: "the chat while one works on it",
  needsPages: true,
  async run(fixture, step) {
    const { stack } = fixture;
    await using vite = await fixture.startVite();
    const env = { FRONTEND: vite.address };
    await using proxy = await fixture.startProxy(["--dev"], env);
    const { origin } = proxy;
    const browser = await fixture.browser();
    const alice = await enter(browser, origin, stack.users.alice);
    await alice.evaluate("globalThis.isTheSame = true");

    await step("Vite's WebSocket goes to the page's own origin", async () => {
      const { host } = new URL(origin);
      const all = await vitesSockets(alice);
      deepEqual(all.map((it) => [new URL(it.url).host, it.closed]), [
        [host, null],
      ]);
    });

    await step("an edit shows, and the page stays as it is", async () => {
      await alice.getByTestId("message-input").fill("half a sent");
      const file = join(stack.frontend, "src", "app.tsx");
      const source = await Deno.readTextFile(file);
      match(source, />Chat<\/h1>/);
      await Deno.writeTextFile(
        file,
        source.replace(">Chat</h1>", ">Chat, edited</h1>"),
      );
      await alice.getByTestId("title").filter({ hasText: "Chat, edited" })
        .waitFor();
      equal(await alice.evaluate("isTheSame"), true);
      equal(
        await alice.getByTestId("message-input").inputValue(),
        "half a sent",
      );
    });

    await step("the page loads itself again when Vite is back", async () => {
      await vite.stop();
      await vite.start();
      await alice.waitForFunction("globalThis.isTheSame === undefined");
      await untilConnected(alice);
      equal(await alice.getByTestId("title").innerText(), "Chat, edited");
    });

    await step(
      "an error page says what to do, and goes by itself",
      async () => {
        await stack.stop("backend");
        const page = await browser.newPage();
        const response = await page.goto(`${origin}/admin/login/`);
        equal(response?.status(), 502);
        equal(await page.locator("h1").innerText(), "502 Bad Gateway");
        equal(
          await page.locator("code").first().innerText(),
          `upstream "backend" at ${stack.addresses.backend}: nothing listens ` +
            "there: is the service running, on this port?",
        );
        await stack.start("backend");
        await page.getByText("Django administration").waitFor();
      },
    );
  },
};

/** The WebSockets by which Vite tells the page of edits. */
async function vitesSockets(page: Page): Promise<Socket[]> {
  return (await sockets(page)).filter(({ url }) =>
    !url.endsWith("/connection/websocket")
  );
}
