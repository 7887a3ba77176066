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
import type { APIResponse } from "playwright-core";
import { statusOf } from "../../support/backends.ts";
import type { Scenario } from "../../support/chat.ts";
import {
  delay,
  enter,
  newPerson,
  say,
  signIn,
  sockets,
  untilConnected,
  untilSeen,
} from "./page.ts";

export const people: Scenario = {
  key: "people",
  name: "what people do in the chat, as it is built",
  needsPages: true,
  async run(fixture, step) {
    const { stack } = fixture;
    const { origin, users } = stack;
    const browser = await fixture.browser();
    const alice = await enter(browser, origin, users.alice);
    const bob = await enter(browser, origin, users.bob);

    await step("the page is the one that was built", async () => {
      const [script] = await alice.locator("script[src]").all();
      match(await script?.getAttribute("src") ?? "", /^\/assets\/.+\.js$/);
      const urls = (await sockets(alice)).map(({ url }) => url);
      deepEqual(urls, [`${origin.replace("http", "ws")}/connection/websocket`]);
    });

    await step(
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
          // A busy machine delays the backend by itself as well.
          const limit = 1_000 + 5 * await delayOf(stack.addresses.backend);
          ok(milliseconds < limit, `${text}: ${milliseconds} ms`);
        }
      },
    );

    await step("scripts can't read the session's cookie", async () => {
      const visible = await alice.evaluate<string>("document.cookie");
      match(visible, /^csrftoken=[^;]+$/);
      const cookies = await alice.context().cookies();
      const session = cookies.find(({ name }) => name === "sessionid");
      equal(session?.httpOnly, true);
      equal(session?.sameSite, "Lax");
    });

    await step("logging out closes the door, for one of them", async () => {
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

    await step("a backend that is down, starting, and back", async () => {
      await stack.stop("backend");
      await say(bob, "said into the void");
      await bob.getByTestId("banner").waitFor();
      const visitor = await (await newPerson(browser)).newPage();
      await visitor.goto(origin);
      await visitor.getByTestId("banner").waitFor();
      await showsApiAnswer(
        await bob.request.get(`${origin}/api/rooms/`, {
          headers: { accept: "application/json" },
        }),
      );
      const admin = await (await newPerson(browser)).newPage();
      equal((await admin.goto(`${origin}/admin/`))?.status(), 502);
      equal(await admin.locator("h1").innerText(), "502 Bad Gateway");
      equal(await admin.locator("p").first().innerText(), UNAVAILABLE);
      ok(!(await admin.content()).includes(stack.addresses.backend));

      await connectsWithoutAnswer(stack.addresses.backend);
      equal(await bob.getByTestId("banner").isVisible(), true);

      await stack.start("backend");
      await bob.getByTestId("banner").waitFor({ state: "hidden" });
      await visitor.getByTestId("login-form").waitFor();
      // What could not be sent is still there to be sent.
      await bob.getByTestId("send-button").click();
      await untilSeen(alice, "said into the void");
      deepEqual((await sockets(bob)).map(({ closed }) => closed), [null]);
    });
  },
};

/** How long the backend takes to answer without the proxy, in milliseconds. */
async function delayOf(backend: string): Promise<number> {
  const begun = performance.now();
  equal(await statusOf(`http://${backend}/api/session/`), 200);
  return performance.now() - begun;
}

const UNAVAILABLE =
  "The service behind this address is not available right now.";

/** The answer tells what a client can use, and nothing of what is behind. */
async function showsApiAnswer(response: APIResponse): Promise<void> {
  const headers = response.headers();
  equal(response.status(), 502);
  equal(headers["content-type"], "application/problem+json");
  equal(headers["cache-control"], "no-store");
  deepEqual(await response.json(), {
    type: "about:blank",
    title: "Bad Gateway",
    status: 502,
    detail: UNAVAILABLE,
    request_id: headers["x-request-id"],
  });
}

/** A server that is starting: it takes a connection, and closes it again. */
async function connectsWithoutAnswer(address: string): Promise<void> {
  const [hostname = "", port] = address.split(":");
  using listener = Deno.listen({ hostname, port: Number(port) });
  using connection = await listener.accept();
  await connection.read(new Uint8Array(1_024));
}
