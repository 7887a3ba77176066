/**
 * The chat of `examples/chat`, with its frontend as it is built, through
 * sameorigin: what its users do, in real browsers.
 *
 * @module
 */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { launchBrowser } from "../support/browser.ts";
import { testChat, withStack } from "../support/chat.ts";
import {
  delay,
  enter,
  say,
  signIn,
  sockets,
  untilConnected,
  untilSeen,
} from "./chat_page.ts";

await testChat("the chat behind one origin, as it is built", async (t) => {
  await withStack({ frontend: "preview" }, async (stack) => {
    const { origin, users } = stack;
    await using browser = await launchBrowser();
    const alice = await enter(browser, origin, users.alice);
    const bob = await enter(browser, origin, users.bob);

    await t.step(
      "two people see each other's messages within a second",
      async () => {
        for (
          const [text, sender, reader] of [
            ["hello from alice", alice, bob],
            ["hello from bob", bob, alice],
          ] as const
        ) {
          await say(sender, text);
          const milliseconds = await delay(text, sender, reader);
          ok(milliseconds < 1_000, `${text}: ${milliseconds} ms`);
        }
      },
    );

    await t.step("scripts can't read the session's cookie", async () => {
      const visible = await alice.evaluate<string>("document.cookie");
      match(visible, /^csrftoken=[^;]+$/);
      const cookies = await alice.context().cookies();
      const session = cookies.find(({ name }) => name === "sessionid");
      equal(session?.httpOnly, true);
      equal(session?.sameSite, "Lax");
    });

    await t.step("logging out closes the door, for one of them", async () => {
      const tab = await alice.context().newPage();
      await tab.goto(origin);
      await untilConnected(tab);
      const cookies = await alice.context().cookies();

      await alice.getByTestId("logout-button").click();
      await alice.getByTestId("login-form").waitFor();
      // Not this tab but Centrifugo ends it, as the backend tells it.
      await tab.getByTestId("login-form").waitFor();
      deepEqual((await sockets(tab)).map(({ closed }) => closed), [
        { code: 4501, reason: "logged out" },
      ]);

      // The session is over, not only its cookie gone from this browser.
      await alice.context().addCookies(cookies);
      for (const path of ["/api/rooms/", "/api/centrifugo/token/"]) {
        const response = await alice.request.get(origin + path);
        equal(response.status(), 403);
        deepEqual(await response.json(), { detail: "Please log in." });
      }

      await bob.getByTestId("presence-count").filter({ hasText: /^1$/ })
        .waitFor();
      await signIn(alice, users.alice);
      await say(alice, "here again");
      await untilSeen(bob, "here again");
      // Over the connection that he had all the time.
      deepEqual((await sockets(bob)).map(({ closed }) => closed), [null]);
    });
  });
});
