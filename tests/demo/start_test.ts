import assert from "node:assert/strict";
import { startDemo } from "../../demo/start.ts";
import {
  Browser,
  client,
  disposable,
  publications,
  subscribed,
} from "./support.ts";

Deno.test("what one user posts to the backend reaches another by WebSocket", async () => {
  await using demo = disposable(startDemo({}));
  const [backend, frontend, centrifugo] = demo.parts;
  assert.ok(backend?.demo && frontend?.demo && centrifugo?.demo);
  const ada = new Browser(`http://${backend.address}`);
  const ben = new Browser(`http://${backend.address}`);
  await ada.signIn("Ada");
  await ben.signIn("Ben");
  using live = client(centrifugo.address, "Ben", {
    getToken: async () => {
      const answer = await ben.json("/api/connection-token");
      return (answer as { token: string }).token;
    },
  });
  live.connect();
  const inRoom = publications(await subscribed(live, "room:1"));
  const rooms = publications(await subscribed(live, "rooms"));

  const said = await ada.post("/api/rooms/1/messages", { text: "Hello Ben" });
  const message = await said.json();
  assert.deepEqual((await inRoom.next()).value, {
    data: { type: "message", message },
    user: null,
  });
  const made = await ada.post("/api/rooms", { name: "Lunch" });
  assert.deepEqual((await rooms.next()).value, {
    data: { type: "room", room: await made.json() },
    user: null,
  });
});

Deno.test("what is given is not started, and an empty address is not given", async () => {
  await using demo = disposable(startDemo({
    backend: "",
    frontend: "localhost:5173",
    centrifugo: "localhost:8001",
  }));
  const [backend, frontend, centrifugo] = demo.parts;
  assert.match(backend?.address ?? "", /^127\.0\.0\.1:\d+$/);
  assert.ok(backend?.demo);
  assert.deepEqual(
    [frontend, centrifugo],
    [
      { upstream: "frontend", address: "localhost:5173", demo: null },
      { upstream: "centrifugo", address: "localhost:8001", demo: null },
    ],
  );
  const ada = new Browser(`http://${backend.address}`);
  await ada.signIn("Ada");
  const response = await ada.fetch("/api/connection-token");
  await response.body?.cancel();
  assert.equal(response.status, 503);
});

Deno.test("the demo stops although browsers are connected", async () => {
  const demo = startDemo({});
  const [backend, , centrifugo] = demo.parts;
  assert.ok(backend && centrifugo);
  const ada = new Browser(`http://${backend.address}`);
  await ada.signIn("Ada");
  using live = client(centrifugo.address, "Ada", {
    minReconnectDelay: 10_000,
    getToken: async () => {
      const answer = await ada.json("/api/connection-token");
      return (answer as { token: string }).token;
    },
  });
  live.connect();
  await live.ready();
  await demo.stop();
  for (const { address } of demo.parts) {
    await assert.rejects(fetch(`http://${address}/`));
  }
});
