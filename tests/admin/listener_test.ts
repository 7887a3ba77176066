import assert from "node:assert/strict";
import { masked } from "../../lib/admin/config_view.ts";
import { EventFeed } from "../../lib/admin/events.ts";
import type { LiveState } from "../../lib/admin/feed.ts";
import { backend, freePort } from "../support/backends.ts";
import { soon } from "../support/soon.ts";
import { startAdmin } from "./fixture.ts";

const LOCATIONS = { locations: { "/": { return: "200 hi" } } };

async function json(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

async function drop(response: Response): Promise<number> {
  await response.body?.cancel();
  return response.status;
}

Deno.test("it is ready if each upstream has a server that is up", async () => {
  await using app = backend("app");
  const dead = `127.0.0.1:${freePort()}`;
  await using it = await startAdmin({
    upstreams: { pair: [dead, app.address], alone: dead },
    locations: { "/pair": "http://pair", "/alone": "http://alone" },
  });
  const ready = `${it.admin}/readyz`;
  assert.deepEqual(await json(ready), {
    status: 200,
    body: {
      ready: true,
      upstreams: [
        {
          upstream: "pair",
          up: true,
          servers: [
            { address: dead, up: true },
            { address: app.address, up: true },
          ],
        },
        {
          upstream: "alone",
          up: true,
          servers: [{ address: dead, up: true }],
        },
      ],
    },
  });
  for (let i = 0; i < 3; i++) await drop(await fetch(`${it.url}/pair`));
  const half = await json(ready);
  assert.equal(half.status, 200);
  assert.deepEqual(
    half.body.upstreams[0].servers.map(({ up }: { up: boolean }) => up),
    [false, true],
  );
  assert.equal(await drop(await fetch(`${it.url}/alone`)), 502);
  const down = await json(ready);
  assert.equal(down.status, 503);
  assert.equal(down.body.ready, false);
  assert.equal(await drop(await fetch(`${it.admin}/healthz`)), 200);
});

Deno.test("a proxy that ends is not ready, so that nobody sends it more", async () => {
  await using it = await startAdmin(LOCATIONS);
  assert.equal((await json(`${it.admin}/readyz`)).status, 200);
  it.stopping = true;
  assert.deepEqual(await json(`${it.admin}/readyz`), {
    status: 503,
    body: { ready: false, upstreams: [] },
  });
});

Deno.test("POST /reload says what became of it", async () => {
  await using it = await startAdmin(LOCATIONS);
  const reload = () => json(`${it.admin}/reload`, { method: "POST" });
  for (
    const [kind, status] of [
      ["done", 200],
      ["problems", 422],
      ["unreadable", 500],
      ["failed", 500],
    ] as const
  ) {
    it.outcome = { kind };
    assert.deepEqual(await reload(), { status, body: { kind } });
  }
});

Deno.test("the config is told as it runs, without its secrets", async () => {
  const token = "a-token-of-many-letters";
  await using it = await startAdmin({
    admin: { listen: 0, token },
    proxy_set_header: {
      Authorization: "Basic c2VjcmV0",
      Cookie: "$http_cookie",
      "X-Api-Key": "secret",
      Host: "$host",
    },
    locations: {
      "/": "http://127.0.0.1:1/?token=secret&a=1",
      "/out": { return: "302 http://user:secret@host.example/" },
    },
  });
  const headers = { authorization: `Bearer ${token}` };
  const { body } = await json(`${it.admin}/config`, { headers });
  assert.deepEqual(body.config, {
    listen: "127.0.0.1:0",
    admin: { listen: 0, token: "***" },
    proxy_set_header: {
      Authorization: "***",
      Cookie: "***",
      "X-Api-Key": "***",
      Host: "$host",
    },
    locations: {
      "/": "http://127.0.0.1:1/?token=***&a=1",
      "/out": { return: "302 http://user:***@host.example/" },
    },
  });
  assert.equal(body.hash, "0123456789ab");
  assert.doesNotMatch(JSON.stringify(body), /secret|many-letters/);
  await it.reload({ locations: { "/next": { return: 204 } }, admin: 0 });
  const next = await json(`${it.admin}/config`, { headers });
  assert.deepEqual(next.body.config.locations, { "/next": { return: 204 } });
});

Deno.test("what only sounds like a secret is shown", () => {
  const config = {
    upstreams: { a: { servers: ["a:1"], sticky: "route" } },
    locations: { "/api/token": "http://a", "~ /password": { return: 204 } },
  };
  assert.deepEqual(masked(config), config);
});

Deno.test("the state is told in one piece, and each second as an event", async () => {
  await using app = backend("app");
  await using it = await startAdmin({
    locations: { "/": `http://${app.address}` },
  });
  await (await fetch(it.url)).text();
  const { body } = await json(`${it.admin}/state`);
  const state: LiveState = body;
  const [, location] = state.locations;
  assert.equal(location?.location, "/");
  assert.equal(location.requests, 1);
  assert.deepEqual(location.statuses, { "2xx": 1 });
  assert.deepEqual(location.methods, { GET: 1 });
  assert.equal(location.sent, 3);
  assert.equal(location.start.counts.length, state.buckets.length + 1);
  const [upstream] = state.upstreams;
  assert.equal(upstream?.address, app.address);
  assert.equal(upstream.up, 1);
  assert.equal(upstream.attempts, 1);
  assert.equal(state.generations.length, 1);
  assert.equal(state.process.version, "1.2.3");
  assert.ok(Math.abs(state.at - Date.now()) < 60_000);

  const response = await fetch(`${it.admin}/events`);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events = stateEvents(response);
  const first = await events.next();
  await (await fetch(it.url)).text();
  const second = await soon("the next event comes", events.next());
  assert.equal(requests(first.value), 1);
  assert.equal(requests(second.value), 2);
  await events.return(undefined);
});

function requests(state: LiveState | undefined): number | undefined {
  return state?.locations.find(({ location }) => location === "/")?.requests;
}

/** The states of a stream of server-sent events. */
async function* stateEvents(
  { body }: Response,
): AsyncGenerator<LiveState, undefined> {
  let text = "";
  for await (const piece of body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const [, data] = /^event: state\ndata: (.*)$/.exec(event) ?? [];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
  return undefined;
}

Deno.test("nothing is asked for where nobody listens, and one that does not read holds nothing up", async () => {
  let asked = 0;
  const feed = new EventFeed(() => Promise.resolve({ asked: ++asked }), 1);
  const reader = feed.listen()!.getReader();
  const lazy = feed.listen()!;
  const read = async () => {
    const { value } = await reader.read();
    return new TextDecoder().decode(value);
  };
  assert.equal(await read(), "retry: 1000\n\n");
  for (let i = 0; i < 100; i++) assert.match(await read(), /^event: state/);
  assert.equal(feed.size, 2);
  // It has some, and misses the others.
  const lazyReader = lazy.getReader();
  let waiting = 0;
  const count = async () => {
    while (!(await lazyReader.read()).done) waiting++;
  };
  await lazyReader.read();
  const counting = count();
  feed.close();
  await counting;
  assert.ok(waiting < 10, `${waiting}`);
  await reader.cancel();
  const before = asked;
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(asked, before);
});

Deno.test("the last who leaves stops it, and too many are refused", async () => {
  const feed = new EventFeed(() => Promise.resolve(null), 1);
  const streams = Array.from({ length: 32 }, () => feed.listen());
  assert.ok(streams.every((stream) => stream !== null));
  assert.equal(feed.listen(), null);
  for (const stream of streams) await stream?.cancel();
  assert.equal(feed.size, 0);
  // The sanitizer would see its timer.
});

Deno.test("what fails is told to whoever runs the proxy, not to who asked", async () => {
  await using it = await startAdmin(LOCATIONS);
  Object.defineProperty(it, "outcome", {
    get() {
      throw new Error("a bug");
    },
  });
  const response = await fetch(`${it.admin}/reload`, { method: "POST" });
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /bug/);
  assert.match(it.errors.join(), /500 admin: Error: a bug/);
});

Deno.test("it listens on a unix socket too", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/admin.sock`;
  {
    await using _it = await startAdmin({ ...LOCATIONS, admin: `unix:${path}` });
    using client = Deno.createHttpClient({
      proxy: { transport: "unix", path },
    });
    const response = await fetch("http://localhost/healthz", { client });
    assert.equal(await response.text(), "ok\n");
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("it answers HEAD, and knows no other methods", async () => {
  await using it = await startAdmin(LOCATIONS);
  for (const path of ["/metrics", "/events"]) {
    const method = "HEAD";
    assert.equal(await drop(await fetch(it.admin + path, { method })), 200);
  }
  const put = await fetch(`${it.admin}/metrics`, { method: "PUT" });
  assert.equal(put.headers.get("allow"), "GET");
  assert.equal(await drop(put), 405);
  assert.equal(await drop(await fetch(`${it.admin}/constructor`)), 404);
});
