import assert from "node:assert/strict";
import { startBackend } from "../../demo/backend.ts";
import { Browser, disposable } from "./support.ts";

const START = { live: null };

/** Status and `Location` of an answer whose body nobody wants. */
async function head(
  answer: Promise<Response>,
): Promise<{ status: number; location: string | null }> {
  const { body, status, headers } = await answer;
  await body?.cancel();
  return { status, location: headers.get("location") };
}

Deno.test("a stranger is redirected to the login form, at the backend's own address", async () => {
  await using backend = disposable(startBackend(START));
  const origin = `http://${backend.address}`;
  const browser = new Browser(origin);
  assert.deepEqual(await head(browser.fetch("/admin/rooms/add/")), {
    status: 302,
    location: `${origin}/admin/login/?next=%2Fadmin%2Frooms%2Fadd%2F`,
  });
});

Deno.test("a path without its slash is redirected, without an origin", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  assert.deepEqual(await head(browser.fetch("/admin")), {
    status: 301,
    location: "/admin/",
  });
});

Deno.test("signing in by the form leads to where one was going, rooms are added, signing out ends it", async () => {
  await using backend = disposable(startBackend(START));
  const origin = `http://${backend.address}`;
  const browser = new Browser(origin);
  const form = await browser.fetch("/admin/login/?next=/admin/rooms/add/");
  const html = await form.text();
  assert.match(html, /name="next" value="\/admin\/rooms\/add\/"/);
  const token = browser.cookies.get("csrftoken");
  assert.ok(html.includes(`name="csrfmiddlewaretoken" value="${token}"`));

  const entered = await head(browser.submit("/admin/login/", {
    username: "Ada",
    password: "demo",
    next: "/admin/rooms/add/",
  }));
  assert.deepEqual(entered, {
    status: 302,
    location: `${origin}/admin/rooms/add/`,
  });
  assert.equal((await head(browser.fetch("/admin/rooms/add/"))).status, 200);

  const added = await head(
    browser.submit("/admin/rooms/add/", { name: "<Attic>" }),
  );
  assert.equal(added.location, `${origin}/admin/`);
  const rooms = await (await browser.fetch("/admin/")).text();
  assert.ok(rooms.includes("<td>&lt;Attic&gt;</td><td>0</td>"));

  const left = await head(browser.submit("/admin/logout/", {}));
  assert.equal(left.location, `${origin}/admin/login/`);
  assert.equal((await head(browser.fetch("/admin/"))).status, 302);
});

Deno.test("a form without the token, or from another page, is refused", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  await (await browser.fetch("/admin/login/")).body?.cancel();
  const fields = { username: "Ada", password: "demo" };
  const without = await browser.submit("/admin/login/", {
    ...fields,
    csrfmiddlewaretoken: "",
  });
  assert.equal(without.status, 403);
  assert.match(await without.text(), /CSRF token missing/);
  const foreign = await browser.fetch("/admin/login/", {
    method: "POST",
    headers: { origin: "http://evil.example" },
    body: new URLSearchParams({
      ...fields,
      csrfmiddlewaretoken: browser.cookies.get("csrftoken") ?? "",
    }),
  });
  assert.equal(foreign.status, 403);
  assert.match(await foreign.text(), /Origin checking failed/);
  assert.equal(browser.cookies.has("sessionid"), false);
});

Deno.test("signing in leads nowhere but to a path of ours", async () => {
  await using backend = disposable(startBackend(START));
  const origin = `http://${backend.address}`;
  const browser = new Browser(origin);
  await (await browser.fetch("/admin/login/")).body?.cancel();
  for (
    const next of [
      "",
      "https://evil.example/",
      "//evil.example",
      "/\\evil.example",
      ".evil.example",
      "@evil.example",
    ]
  ) {
    const entered = await head(browser.submit("/admin/login/", {
      username: "Ada",
      password: "demo",
      next,
    }));
    assert.equal(entered.location, `${origin}/admin/`, next);
  }
});

Deno.test("a wrong password and a name of a room that won't do show the form again", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  await (await browser.fetch("/admin/login/")).body?.cancel();
  const again = await browser.submit("/admin/login/", {
    username: '"><script>',
    password: "guess",
  });
  assert.equal(again.status, 200);
  const html = await again.text();
  assert.match(html, /role="alert"/);
  assert.ok(html.includes('value="&quot;&gt;&lt;script&gt;"'));
  await browser.signIn("Ada");
  const unnamed = await browser.submit("/admin/rooms/add/", { name: " " });
  assert.equal(unnamed.status, 200);
  assert.match(await unnamed.text(), /role="alert"/);
});

Deno.test("the pages' style sheet is under /static, and nothing else of the disk is", async () => {
  await using backend = disposable(startBackend(START));
  const browser = new Browser(`http://${backend.address}`);
  const css = await browser.fetch("/static/admin.css");
  await css.body?.cancel();
  assert.equal(css.headers.get("content-type"), "text/css; charset=utf-8");
  for (
    const path of [
      "/static/",
      "/static/none.css",
      "/static/..%2fadmin.ts",
      "/static/%2e%2e/admin.ts",
      "/static//etc/passwd",
    ]
  ) {
    assert.equal((await head(browser.fetch(path))).status, 404, path);
  }
});
