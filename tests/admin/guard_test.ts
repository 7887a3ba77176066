import assert from "node:assert/strict";
import { askRaw, startAdmin } from "./fixture.ts";

const LOCATIONS = { locations: { "/": { return: "200 hi" } } };
const TOKEN = "a-token-of-many-letters";
const WITH_TOKEN = { ...LOCATIONS, admin: { listen: 0, token: TOKEN } };

async function statusOf(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, { redirect: "manual", ...init });
  await response.body?.cancel();
  return response.status;
}

Deno.test("a name that is resolved to this address is no way in (DNS rebinding)", async () => {
  await using it = await startAdmin(LOCATIONS);
  const asked = async (host: string) =>
    (await askRaw(it.admin, `GET /state HTTP/1.1\nHost: ${host}`)).status;
  for (
    const host of [
      "localhost",
      "LOCALHOST:9001",
      "app.localhost:1",
      "127.0.0.1:9001",
      "[::1]:9001",
      "192.0.2.7",
    ]
  ) assert.equal(await asked(host), 200, host);
  for (
    const host of [
      "evil.example",
      "evil.example:9001",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "127.0.0.1@evil.example",
      "evil.example/localhost",
      "",
    ]
  ) assert.notEqual(await asked(host), 200, host);
  assert.equal(await asked("evil.example"), 421);
});

Deno.test("a page of another origin can neither read nor change anything", async () => {
  await using it = await startAdmin(LOCATIONS);
  const { host } = new URL(it.admin);
  const asked = async (line: string, ...fields: string[]) => {
    const head = [line, `Host: ${host}`, ...fields].join("\n");
    return (await askRaw(it.admin, head)).status;
  };
  const RELOAD = "POST /reload HTTP/1.1";
  const STATE = "GET /state HTTP/1.1";
  for (const line of [RELOAD, STATE]) {
    assert.equal(await asked(line, "Origin: http://evil.example"), 403);
    assert.equal(await asked(line, "Origin: null"), 403);
    // Another port is another origin, of the same site.
    assert.equal(await asked(line, "Origin: http://127.0.0.1:1"), 403);
    assert.equal(await asked(line, "Sec-Fetch-Site: same-site"), 403);
    assert.equal(await asked(line, "Sec-Fetch-Site: cross-site"), 403);
    assert.equal(await asked(line), 200);
    assert.equal(await asked(line, `Origin: http://${host}`), 200);
    assert.equal(await asked(line, `Origin: https://${host}`), 200);
    assert.equal(await asked(line, "Sec-Fetch-Site: same-origin"), 200);
  }
  // A link leads there; a form that posts does not.
  const follows = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"];
  assert.equal(await asked(STATE, ...follows), 200);
  assert.equal(await asked(RELOAD, ...follows), 403);
  assert.equal(await asked("GET /reload HTTP/1.1"), 405);
});

Deno.test("with a token only who knows it learns anything; probes learn whether all is well", async () => {
  await using it = await startAdmin(WITH_TOKEN);
  const authorization = `Bearer ${TOKEN}`;
  for (const path of ["/", "/metrics", "/config", "/state", "/nothing"]) {
    const refused = await fetch(it.admin + path);
    assert.equal(refused.status, 401, path);
    assert.match(refused.headers.get("www-authenticate") ?? "", /^Bearer /);
    assert.doesNotMatch(await refused.text(), /sameorigin_|GET/);
    const status = await statusOf(it.admin + path, {
      headers: { authorization },
    });
    assert.equal(status, path === "/nothing" ? 404 : 200, path);
  }
  for (
    const wrong of [
      "Bearer",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN} ${TOKEN}`,
    ]
  ) {
    const headers = { authorization: wrong };
    assert.equal(await statusOf(`${it.admin}/state`, { headers }), 401, wrong);
  }
  assert.equal(await statusOf(`${it.admin}/reload`, { method: "POST" }), 401);
  assert.equal(await statusOf(`${it.admin}/healthz`), 200);
  const ready = await fetch(`${it.admin}/readyz`);
  assert.deepEqual(await ready.json(), { ready: true });
});

Deno.test("a browser signs in with the form, and stays so until the listener ends", async () => {
  await using it = await startAdmin(WITH_TOKEN);
  const accept = { accept: "text/html" };
  const page = await fetch(it.admin, { headers: accept });
  assert.equal(page.status, 401);
  assert.match(await page.text(), /<form method="post" action="\/login">/);

  const post = (token: string) =>
    fetch(`${it.admin}/login`, {
      method: "POST",
      body: new URLSearchParams({ token }),
      redirect: "manual",
    });
  for (const wrong of ["", "wrong", TOKEN + "x", "x".repeat(10_000)]) {
    const refused = await post(wrong);
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("set-cookie"), null);
    await refused.body?.cancel();
  }
  const signedIn = await post(TOKEN);
  await signedIn.body?.cancel();
  assert.equal(signedIn.status, 303);
  const set = signedIn.headers.get("set-cookie") ?? "";
  assert.match(set, /; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  assert.doesNotMatch(set, new RegExp(TOKEN));
  const cookie = set.replace(/;.*/, "");
  const state = `${it.admin}/state`;
  assert.equal(await statusOf(state, { headers: { cookie } }), 200);
  const forged = cookie.replace(/.$/, (digit) => digit === "0" ? "1" : "0");
  assert.equal(await statusOf(state, { headers: { cookie: forged } }), 401);

  it.listener.use({
    address: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
    written: "0",
    token: TOKEN,
  });
  assert.equal(await statusOf(state, { headers: { cookie } }), 401);
});

Deno.test("nothing is kept, framed, or sniffed", async () => {
  await using it = await startAdmin(LOCATIONS);
  for (const path of ["/", "/metrics", "/healthz", "/login", "/nothing"]) {
    const { headers, body } = await fetch(it.admin + path);
    await body?.cancel();
    assert.equal(headers.get("cache-control"), "no-store", path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    assert.match(
      headers.get("content-security-policy") ?? "",
      /frame-ancestors 'none'/,
      path,
    );
    assert.equal(headers.get("access-control-allow-origin"), null, path);
  }
});
