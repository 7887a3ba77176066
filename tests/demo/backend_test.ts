import assert from "node:assert/strict";
import { startBackend } from "../../demo/backend.ts";
import { Browser, disposable } from "./support.ts";

const START = { live: null };

Deno.test("signing in gives an HTTP-only session cookie and a new CSRF cookie that scripts can read", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  assert.deepEqual(await browser.json("/api/me"), { user: null });
  const before = browser.cookies.get("csrftoken");
  const response = await browser.post("/api/login", {
    name: " Ada ",
    password: "demo",
  });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { user: { name: "Ada" } });
  const [session = "", csrf = "", ...more] = response.headers.getSetCookie();
  assert.deepEqual(more, []);
  assert.match(
    session,
    /^sessionid=\w{64}; Path=\/; Max-Age=1209600; SameSite=Lax; HttpOnly$/,
  );
  assert.match(
    csrf,
    /^csrftoken=\w{64}; Path=\/; Max-Age=1209600; SameSite=Lax$/,
  );
  assert.notEqual(browser.cookies.get("csrftoken"), before);
  assert.deepEqual(await browser.json("/api/me"), { user: { name: "Ada" } });
});

Deno.test("behind https the cookies are secure", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  await browser.json("/api/me");
  const response = await browser.post(
    "/api/login",
    { name: "Ada", password: "demo" },
    { "x-forwarded-proto": "https" },
  );
  await response.body?.cancel();
  for (const cookie of response.headers.getSetCookie()) {
    assert.match(cookie, /; Secure$/);
  }
});

Deno.test("a wrong name or password signs nobody in", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  await browser.json("/api/me");
  for (
    const body of [
      { name: "Ada", password: "guess" },
      { name: "  ", password: "demo" },
      { name: "A".repeat(25), password: "demo" },
      { name: 1, password: "demo" },
      { name: "Ada" },
      [],
      null,
    ]
  ) {
    const response = await browser.post("/api/login", body);
    assert.equal(response.status, 400, JSON.stringify(body));
    assert.equal(typeof (await response.json()).detail, "string");
  }
  assert.deepEqual(await browser.json("/api/me"), { user: null });
});

Deno.test("after signing out the session is no good any more", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  await browser.signIn("Ada");
  const stolen = browser.cookies.get("sessionid") ?? "";
  const response = await browser.post("/api/logout", {});
  assert.equal(response.status, 204);
  assert.equal(browser.cookies.has("sessionid"), false);
  browser.cookies.set("sessionid", stolen);
  assert.deepEqual(await browser.json("/api/me"), { user: null });
});

Deno.test("nothing but /api/me and signing in is for strangers", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  await browser.json("/api/me");
  for (
    const path of [
      "/api/rooms",
      "/api/rooms/1/messages",
      "/api/connection-token",
    ]
  ) {
    const response = await browser.fetch(path);
    await response.body?.cancel();
    assert.equal(response.status, 401, path);
  }
  for (const path of ["/api/rooms", "/api/rooms/1/messages"]) {
    const response = await browser.post(path, { name: "x", text: "x" });
    await response.body?.cancel();
    assert.equal(response.status, 401, path);
  }
});

Deno.test("a change needs the CSRF token, and an Origin of ours where one comes", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  await browser.signIn("Ada");
  const token = browser.cookies.get("csrftoken") ?? "";
  const cases: [Record<string, string>, string | null][] = [
    [{}, null],
    [{ "x-csrftoken": "" }, "CSRF token missing."],
    [{ "x-csrftoken": token.slice(1) }, "CSRF token incorrect."],
    [{ "x-csrftoken": token.slice(0, -1) }, "CSRF token incorrect."],
    [{ "x-csrftoken": token + token }, "CSRF token incorrect."],
    [{ "x-csrftoken": token.toUpperCase() + "0" }, "CSRF token incorrect."],
    [
      { origin: "http://evil.example" },
      "Origin checking failed - http://evil.example does not match any trusted origins.",
    ],
    [
      { origin: "null" },
      "Origin checking failed - null does not match any trusted origins.",
    ],
    // The proxy says in X-Forwarded-Host what the browser has asked for.
    [
      { origin: "http://chat.example", "x-forwarded-host": "chat.example" },
      null,
    ],
    [
      {
        origin: "http://chat.example:9000",
        "x-forwarded-host": "chat.example",
      },
      null,
    ],
  ];
  for (const [headers, failure] of cases) {
    const response = await browser.post("/api/rooms", { name: "x" }, headers);
    const { detail } = await response.json();
    assert.equal(response.status, failure === null ? 201 : 403);
    assert.equal(
      detail,
      failure === null ? undefined : `CSRF Failed: ${failure}`,
    );
  }
  browser.cookies.delete("csrftoken");
  const response = await browser.post("/api/rooms", { name: "x" }, {
    "x-csrftoken": token,
  });
  assert.equal(
    (await response.json()).detail,
    "CSRF Failed: CSRF cookie not set.",
  );
});

Deno.test("rooms are made and listed, messages are kept in their room", async () => {
  await using backend = disposable(startBackend(START));
  const ada = new Browser(`http://${backend.address}`);
  const ben = new Browser(`http://${backend.address}`);
  await ada.signIn("Ada");
  await ben.signIn("Ben");
  const made = await (await ada.post("/api/rooms", { name: " Lunch " })).json();
  assert.deepEqual(made, { id: 4, name: "Lunch" });
  const { rooms } = await ben.json("/api/rooms") as { rooms: unknown[] };
  assert.deepEqual(rooms.at(-1), made);
  const path = `/api/rooms/${made.id}/messages`;
  const said = await ada.post(path, { text: " <b>Soup</b> " });
  assert.equal(said.status, 201);
  const message = await said.json();
  assert.deepEqual(message, {
    id: message.id,
    room: made.id,
    author: "Ada",
    text: "<b>Soup</b>",
    sentAt: new Date(message.sentAt).toISOString(),
  });
  assert.deepEqual(await ben.json(path), { messages: [message] });
  assert.deepEqual(await ben.json("/api/rooms/2/messages"), { messages: [] });
});

Deno.test("what can't be kept is refused with a reason", async () => {
  await using backend = disposable(startBackend(START));
  const ada = new Browser(`http://${backend.address}`);
  await ada.signIn("Ada");
  const cases: [string, unknown, number][] = [
    ["/api/rooms", { name: " " }, 400],
    ["/api/rooms", { name: "x".repeat(41) }, 400],
    ["/api/rooms/1/messages", { text: "" }, 400],
    ["/api/rooms/1/messages", { text: "x".repeat(2_001) }, 400],
    ["/api/rooms/1/messages", "text", 400],
    ["/api/rooms/99/messages", { text: "x" }, 404],
    ["/api/nothing", {}, 404],
    ["/api/me", {}, 405],
  ];
  for (const [path, body, status] of cases) {
    const response = await ada.post(path, body);
    assert.equal(response.status, status, path);
    assert.equal(typeof (await response.json()).detail, "string");
  }
});

Deno.test("the newest 200 messages are kept, and 50 rooms at the most", async () => {
  await using backend = disposable(startBackend(START));
  const ada = new Browser(`http://${backend.address}`);
  await ada.signIn("Ada");
  for (let count = 1; count <= 201; count++) {
    const response = await ada.post("/api/rooms/2/messages", {
      text: `${count}`,
    });
    await response.body?.cancel();
  }
  const { messages } = await ada.json("/api/rooms/2/messages") as {
    messages: { text: string }[];
  };
  assert.equal(messages.length, 200);
  assert.equal(messages[0]?.text, "2");
  for (let count = 4; count <= 51; count++) {
    const response = await ada.post("/api/rooms", { name: `${count}` });
    await response.body?.cancel();
    assert.equal(response.status, count <= 50 ? 201 : 409);
  }
});

Deno.test("without a Centrifugo of the demo there is no connection token, and talking works", async () => {
  await using backend = disposable(startBackend(START));
  const ada = new Browser(`http://${backend.address}`);
  await ada.signIn("Ada");
  const response = await ada.fetch("/api/connection-token");
  assert.equal(response.status, 503);
  assert.match((await response.json()).detail, /CENTRIFUGO is your own/);
  const said = await ada.post("/api/rooms/1/messages", { text: "alone" });
  await said.body?.cancel();
  assert.equal(said.status, 201);
});

Deno.test("a message is kept although Centrifugo can't be told", async () => {
  // Taken and given back: nobody listens there.
  const nobody = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${nobody.addr.port}`;
  nobody.close();
  await using backend = disposable(startBackend({
    live: { address, apiKey: "key", tokenSecret: "secret" },
  }));
  const ada = new Browser(`http://${backend.address}`);
  await ada.signIn("Ada");
  const said = await ada.post("/api/rooms/1/messages", { text: "heard?" });
  await said.body?.cancel();
  assert.equal(said.status, 201);
});
