import assert from "node:assert/strict";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { testNeeding } from "../support/skip.ts";
import { startBridge } from "./fixture.ts";
import { acceptingUpstream, closing, frame, send } from "./wire.ts";

/** What a page sees of the end of a WebSocket. */
interface Seen {
  messages: string[];
  code: number;
  reason: string;
  wasClean: boolean;
}

testNeeding(
  [CHROMIUM],
  "a browser sees 1006, not clean, where the upstream vanished, and its close frame else",
  async () => {
    await using upstream = acceptingUpstream(async (connection, head) => {
      for (let i = 0; i < 100; i++) await send(connection, frame(1, `${i}`));
      if (head.startsWith("GET /vanish ")) return;
      await send(connection, frame(8, closing(4001, "enough")));
      await connection.readToEnd();
    });
    await using bridge = startBridge(upstream.port);
    await using browser = await launchBrowser();
    const page = await browser.newPage();
    const see = (path: string): Promise<Seen> =>
      page.evaluate((url) =>
        new Promise<Seen>((resolve) => {
          const socket = new WebSocket(url);
          const messages: string[] = [];
          socket.onmessage = ({ data }) => messages.push(data);
          socket.onclose = ({ code, reason, wasClean }) =>
            resolve({ messages, code, reason, wasClean });
        }), bridge.url + path);
    const messages = Array.from({ length: 100 }, (_, i) => `${i}`);
    assert.deepEqual(await see("vanish"), {
      messages,
      code: 1006,
      reason: "",
      wasClean: false,
    });
    assert.deepEqual(await see("close"), {
      messages,
      code: 4001,
      reason: "enough",
      wasClean: true,
    });
  },
);
