/** A recorded request that is sent through the proxy again. */
import assert from "node:assert/strict";
import type { Recording } from "../../lib/observe/recorder/recording.ts";
import { Recorder } from "../../lib/observe/recorder/recorder.ts";
import type { Listener } from "../../lib/server/listener.ts";
import { ThreadRecordings } from "../../lib/server/replay.ts";
import { backend } from "../support/backends.ts";
import { echoUpstream } from "../support/echo.ts";
import { askRaw, startAdmin, type TestAdmin } from "./fixture.ts";
import { watch } from "./watch.ts";

/** Asks for a replay. */
async function replay(
  { admin }: Pick<TestAdmin, "admin">,
  { id, at }: Pick<Recording, "id" | "at">,
  headers: HeadersInit = {},
): Promise<{
  status: number;
  text: string;
  recording: Recording;
  cut: boolean;
  why: string;
}> {
  const url = `${admin}/replay?id=${encodeURIComponent(id)}&at=${at}`;
  const response = await fetch(url, { method: "POST", headers });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  return { status: response.status, text, ...isJson ? JSON.parse(text) : {} };
}

/** A session's page: by the cookie only. */
function sessions() {
  return backend(
    "app",
    ({ headers }) =>
      headers.get("cookie") === "session=secret-1"
        ? new Response("yours", {
          headers: { "set-cookie": "seen=secret-2; HttpOnly" },
        })
        : new Response("sign in", { status: 401 }),
  );
}

Deno.test("a request is sent again with its secrets, which nobody sees", async () => {
  await using app = sessions();
  await using it = await startAdmin({
    locations: { "/api": `http://${app.address}` },
  });
  await using page = await watch(it.admin);
  const target = "/api/me?token=secret-3&page=2";
  await (await fetch(it.url + target, {
    headers: { cookie: "session=secret-1", "x-request-id": "mine" },
  })).text();
  const first = await page.find(({ id }) => id === "mine");
  assert.equal(first.noReplay, null);

  const { status, text, recording, cut } = await replay(it, first);
  assert.equal(status, 200, text);
  assert.equal(recording.status, 200);
  assert.equal(recording.location, "/api");
  assert.equal(cut, false);
  assert.ok(!text.includes("secret-"), text);

  const [was, is] = app.seen;
  assert.equal(app.seen.length, 2);
  assert.equal(is?.target, target);
  const fields = (headers: Headers | undefined) =>
    [...headers ?? []].filter(([name]) => name !== "x-request-id");
  assert.deepEqual(fields(is?.headers), fields(was?.headers));

  // It is a row of its own, and says what it repeats.
  const row = await page.find(({ replayOf }) => replayOf === "mine");
  assert.equal(row.id, recording.id);
  assert.equal(is?.headers.get("x-request-id"), row.id);
  assert.ok(!JSON.stringify(page.seen).includes("secret-"));
  // Its client has not asked twice.
  assert.ok(it.errors.includes(`replay ${row.id}: mine again, for an admin`));
});

Deno.test("a request goes by the config that runs now, to try a mend", async () => {
  await using app = sessions();
  await using it = await startAdmin({
    locations: { "/": { return: 404 } },
  });
  await using page = await watch(it.admin);
  await (await fetch(`${it.url}/a`, {
    headers: { cookie: "session=secret-1" },
  })).text();
  const first = await page.find(({ target }) => target === "/a");
  await it.reload({ locations: { "/": `http://${app.address}` } });
  const { recording } = await replay(it, first);
  assert.deepEqual([first.status, recording.status], [404, 200]);
});

Deno.test("the target and the client are those that came", async () => {
  await using it = await startAdmin({
    trusted_proxies: ["127.0.0.1"],
    locations: {
      "/": { return: 204 },
      "/x/": {
        access: [{ allow: "192.0.2.7" }, { deny: "all" }],
        return: [200, "in"],
      },
    },
  });
  await using page = await watch(it.admin);
  const lines = "Host: a.example\nX-Forwarded-For: 192.0.2.7\nX-Request-Id: r1";
  await askRaw(it.url, `GET /a/../x//b%2fc HTTP/1.1\n${lines}`);
  const first = await page.find(({ id }) => id === "r1");
  const { recording } = await replay(it, first);
  assert.equal(recording.target, "/a/../x//b%2fc");
  assert.deepEqual(
    [recording.status, recording.client, recording.location],
    [200, "192.0.2.7", "/x/"],
  );
});

Deno.test("what has lost its body, or is a WebSocket, is not sent again", async () => {
  await using app = backend("app");
  await using echo = echoUpstream();
  await using it = await startAdmin({
    locations: {
      "/": `http://${app.address}`,
      "/unread": { return: 204 },
      "/ws": `http://127.0.0.1:${echo.port}`,
    },
  });
  await using page = await watch(it.admin);
  const requests: [path: string, init: RequestInit][] = [
    ["/p", { method: "POST", body: "x" }],
    ["/o", { method: "OPTIONS", body: "x" }],
    // Nobody has read its body.
    ["/unread", { method: "OPTIONS", body: "x" }],
    // It has none, but may change something.
    ["/d", { method: "DELETE" }],
  ];
  for (const [path, init] of requests) {
    await (await fetch(it.url + path, init)).text();
  }
  const socket = new WebSocket(`${it.url.replace("http", "ws")}/ws`);
  await new Promise((done) => socket.onopen = done);
  const handshake = await page.find(({ status }) => status === 101);
  assert.equal((await replay(it, handshake)).why, handshake.noReplay);
  assert.match(handshake.noReplay ?? "", /WebSocket/);
  const closed = new Promise((done) => socket.onclose = done);
  socket.close();
  await closed;
  const before = app.seen.length;
  for (const [path] of requests) {
    const one = await page.find(({ target }) => target === path);
    const { status, why } = await replay(it, one);
    assert.equal(status, 422);
    assert.match(why, /body was not kept/);
  }
  assert.equal(app.seen.length, before);
});

Deno.test("only who may use the admin listener can have a request sent again", async () => {
  await using app = backend("app");
  const token = "a-token-of-the-admin";
  await using it = await startAdmin({
    admin: { listen: 0, token },
    locations: { "/": `http://${app.address}` },
  });
  const authorization = `Bearer ${token}`;
  await using page = await watch(it.admin, { authorization });
  await (await fetch(`${it.url}/`)).text();
  const first = await page.find(() => true);
  assert.equal((await replay(it, first)).status, 401);
  const foreign = await replay(it, first, {
    authorization,
    origin: "http://evil.example",
  });
  assert.equal(foreign.status, 403);
  const url = `${it.admin}/replay?id=${first.id}`;
  const get = await fetch(url, { headers: { authorization } });
  await get.body?.cancel();
  assert.equal(get.status, 405);
  assert.equal(app.seen.length, 1);
  assert.equal((await replay(it, first, { authorization })).status, 200);
  assert.equal(app.seen.length, 2);
});

Deno.test("a request that is not kept is not found", async () => {
  await using it = await startAdmin({ locations: { "/": { return: 204 } } });
  await (await fetch(it.url, { headers: { "x-request-id": "r" } })).text();
  const { status, why } = await replay(it, { id: "r", at: 0 });
  assert.equal(status, 404);
  assert.match(why, /as long as somebody looks/);
  const shown = await fetch(`${it.admin}/recording?id=r`);
  await shown.body?.cancel();
  assert.equal(shown.status, 404);
});

Deno.test({
  name: "with workers a request is sent again by the one that had it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using app = sessions();
    await using it = await startAdmin({
      workers: 2,
      locations: { "/": `http://${app.address}` },
    });
    await using page = await watch(it.admin);
    for (let at = 0; at < 6; at++) {
      // Each on a connection of its own, so that every worker has some.
      using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
      await (await fetch(`${it.url}/${at}`, {
        client,
        headers: { cookie: "session=secret-1" },
      })).text();
    }
    for (let at = 0; at < 6; at++) {
      const one = await page.find(({ target }) => target === `/${at}`);
      const { recording, text } = await replay(it, one);
      assert.equal(recording.status, 200, text);
    }
    await page.find(({ replayOf, target }) =>
      replayOf !== null && target === "/5"
    );
    assert.equal(app.seen.length, 12);
  },
});

/** One request that is kept, and a listener whose answer to it does not end. */
function endless() {
  const recorder = new Recorder();
  const head = {
    ...{ method: "GET", url: "http://localhost/", fields: [] },
    ...{ peer: "127.0.0.1", peerPort: "1" },
    place: { urlScheme: "http://", fallbackHost: "", serverPort: "80" },
  };
  const recording = {
    ...{ id: "1", at: 1, noReplay: null, delivered: [], losers: [] },
    received: { target: "/", fields: [] },
  } as unknown as Recording;
  const keep = () => {
    recorder.take();
    recorder.add(recording, head, {});
  };
  keep();
  const state = { recorder, keep, sent: 0, cancelled: 0 };
  const listener = {
    closing: false,
    place: head.place,
    replay(request: Request, { completed }: { completed: Promise<void> }) {
      state.sent++;
      const end = () => recorder.add(recording, head, request);
      completed.then(end, end);
      const cancel = () => void state.cancelled++;
      return Promise.resolve(new Response(new ReadableStream({ cancel })));
    },
  } as unknown as Listener;
  const recordings = new ThreadRecordings({
    recorder: () => recorder,
    listeners: () => [listener],
    errorLog() {},
  }, 20);
  return { recordings, state, [Symbol.dispose]: () => recorder.close() };
}

Deno.test("an answer that does not end is broken off, and its upstream let go", async () => {
  using it = endless();
  const replayed = await it.recordings.replay("1", 1);
  assert.ok(replayed !== null && "recording" in replayed);
  assert.deepEqual(
    [replayed.cut, replayed.recording.replayOf, it.state.cancelled],
    [true, "1", 1],
  );
});

Deno.test("8 requests are sent again at a time, though nobody looks any more", async () => {
  using it = endless();
  const { recordings, state } = it;
  const first = Array.from({ length: 8 }, () => recordings.replay("1", 1));
  state.recorder.close();
  assert.equal(await recordings.replay("1", 1), null);
  state.keep();
  const ninth = await recordings.replay("1", 1);
  assert.deepEqual(ninth, {
    refused: "8 requests are being sent again already.",
  });
  await Promise.all(first);
  assert.equal(state.sent, 8);
  assert.ok("recording" in (await recordings.replay("1", 1) ?? {}));
});
