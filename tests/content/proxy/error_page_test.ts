/**
 * What an answer says of servers that gave none, and of limits: in `dev` all that
 * helps, else nothing that is nobody's business.
 *
 * @module
 */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { backend, freePort, toGroup } from "../../support/backends.ts";
import { CHROMIUM, launchBrowser } from "../../support/browser.ts";
import { startProxy } from "../../support/proxy.ts";
import { testNeeding } from "../../support/skip.ts";

/** What a page shows, in the type that is asked for. */
async function page(url: string, accept: string, init?: RequestInit) {
  const response = await fetch(url, { ...init, headers: { accept } });
  return await response.text();
}

/** Lets everything else go on. */
const tick = () => new Promise<void>((done) => setTimeout(done));

const JSON_TYPE = "application/json";

Deno.test("in dev, an error page tells of each server what came of it, and since when", async () => {
  const [one, two, down] = [freePort(), freePort(), freePort()];
  const spare = `127.0.0.1:${down}`;
  await using proxy = startProxy({
    ...toGroup([one, two, { address: spare, down: true }]),
    dev: true,
  });
  const before = Date.now();
  const { upstream } = JSON.parse(await page(proxy.url, JSON_TYPE));
  equal(upstream.name, "group");
  equal(upstream.others, 0);
  deepEqual(
    upstream.servers
      .map((server: { address: string; tried: number }) =>
        [server.address, server.tried] as const
      ).toSorted(),
    [[`127.0.0.1:${one}`, 1], [`127.0.0.1:${two}`, 1], [spare, 0]].toSorted(),
  );
  for (const { address, outcome, down_since } of upstream.servers) {
    if (address === spare) {
      match(outcome, /^not tried: the config says "down"$/);
      equal(down_since, null);
    } else {
      match(outcome, /^nothing listens there/);
      ok(Math.abs(Date.parse(down_since) - before) < 10_000);
    }
  }
  const html = await page(proxy.url, "text/html");
  for (const port of [one, two, down]) ok(html.includes(`127.0.0.1:${port}`));
  match(html, /UTC, for \d+ s/);
  match(html, /http-equiv="refresh"/);
  const text = await page(proxy.url, "text/plain");
  match(
    text,
    new RegExp(`^  127.0.0.1:${one}: nothing listens there.*; down`, "m"),
  );
});

Deno.test("a server's time of failure ends with its next answer", async () => {
  const port = freePort();
  await using proxy = startProxy({ ...toGroup([port]), dev: true });
  const since = async () =>
    JSON.parse(await page(proxy.url, JSON_TYPE)).upstream.servers[0].down_since;
  const first = await since();
  equal(await since(), first);
  {
    await using _ = backend("one", undefined, port);
    equal(await page(proxy.url, JSON_TYPE), "one");
  }
  // The clock has milliseconds.
  while (Date.now() <= Date.parse(first)) await tick();
  ok(Date.parse(await since()) > Date.parse(first));
});

Deno.test("without dev, an error page tells nothing of servers", async () => {
  const port = freePort();
  await using proxy = startProxy(toGroup([port]));
  for (const type of ["text/html", JSON_TYPE, "text/plain"]) {
    const shown = await page(proxy.url, type);
    match(shown, /502/);
    doesNotMatch(shown, new RegExp(`${port}|group|refresh|script`));
  }
});

Deno.test("an error page of a form that was sent does not load again", async () => {
  await using proxy = startProxy({ ...toGroup([freePort()]), dev: true });
  const post = { method: "POST", body: "a=b" };
  doesNotMatch(await page(proxy.url, "text/html", post), /refresh|<script/);
});

Deno.test("a server whose health check fails is named with what failed", async () => {
  let told = () => {};
  const asked = new Promise<void>((resolve) => told = resolve);
  await using one = backend("one", ({ target }) => {
    if (target === "/health") queueMicrotask(told);
    return new Response(null, { status: target === "/health" ? 500 : 200 });
  });
  await using proxy = startProxy({
    ...toGroup([one], { health_check: { path: "/health", fails: 1 } }),
    dev: true,
  });
  await asked;
  while (proxy.errors.length === 0) await tick();
  const { upstream: { servers: [server] } } = JSON.parse(
    await page(proxy.url, JSON_TYPE),
  );
  equal(
    server.outcome,
    "not tried: its health check fails: /health answers 500",
  );
});

Deno.test("a body that is too large is told with the directive, its limit and its place", async () => {
  await using one = backend("one");
  const config = { ...toGroup([one]), client_max_body_size: "1k" };
  for (const dev of [true, false]) {
    await using proxy = startProxy({ ...config, dev });
    const body = "a".repeat(1025);
    const said = await page(proxy.url, "text/plain", { method: "POST", body });
    match(said, /^413 .*client_max_body_size \(1024 bytes\)/);
    const advice =
      /client_max_body_size of location \/ is 1k \(1024 bytes\), and this body has 1025/;
    equal(advice.test(said), dev);
    match(proxy.errors.join("\n"), /^413 client_max_body_size of location \//);
    // One line, however many come.
    await page(proxy.url, "text/plain", { method: "POST", body });
    equal(proxy.errors.length, 1);
  }
});

testNeeding(
  [CHROMIUM],
  "in a browser, the error page shows how it goes on, and then what is back",
  async () => {
    const port = freePort();
    await using proxy = startProxy({ ...toGroup([port]), dev: true });
    const browser = await launchBrowser();
    try {
      const tab = await browser.newPage();
      await tab.goto(`${proxy.url}/where?a=b`);
      await tab.getByText("nothing listens there").first().waitFor();
      // Its content changes without the page being loaded again.
      await tab.evaluate("window.kept = true");
      await tab.getByText(/UTC, for [1-9]\d* s/).waitFor();
      equal(await tab.evaluate("window.kept"), true);
      await using _ = backend(
        "one",
        ({ target }) =>
          new Response(`<h1>back at ${target}</h1>`, {
            headers: { "content-type": "text/html" },
          }),
        port,
      );
      await tab.getByText("back at /where?a=b").waitFor();
    } finally {
      await browser.close();
    }
  },
);
