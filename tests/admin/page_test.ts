/** The live page, in a real browser. */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { PAGE } from "../../lib/admin/page/page.ts";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { echoUpstream } from "../support/echo.ts";
import { testNeeding } from "../support/skip.ts";
import { startAdmin, type TestAdmin } from "./fixture.ts";

/** The largest page that is to be, in bytes. */
const LARGEST = 150_000;

/** A task in the browser that takes so long, in milliseconds, is felt. */
const LONG_TASK = 50;

/** Requests of one burst of the load. */
const BURST = 100;

/** Requests that are recorded in a second after many quiet ones. */
const ALLOWANCE = 500;

/** A backend whose answers show what the page is to show. */
function startBackend() {
  const state = { fail: false };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      await request.text();
      const headers = { "set-cookie": "id=secret-1; HttpOnly; SameSite=None" };
      const fails = state.fail || request.url.includes("broken");
      const status = fails ? 500 : 200;
      return new Response("x", { status, headers });
    },
  );
  return {
    port: server.addr.port,
    /** `fail`: whether it answers all with an error. */
    state,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Opens the page, and fails for any error of its script. */
async function open(context: Page, { admin }: TestAdmin): Promise<string[]> {
  const faults: string[] = [];
  context.on("pageerror", (error) => faults.push(String(error)));
  context.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  await context.goto(admin);
  await context.waitForSelector("#link[data-is=live]");
  // The second event: from then on requests are recorded.
  await context.locator("#process dt").first().waitFor();
  return faults;
}

/** The text of an element. */
const textOf = (page: Page, selector: string) =>
  page.locator(selector).innerText();

async function get(url: string, headers: HeadersInit = {}): Promise<void> {
  const response = await fetch(url, { headers });
  await response.body?.cancel();
}

/** Sends requests until the page shows one of them. */
async function untilShown(page: Page, url: string): Promise<void> {
  const { pathname } = new URL(url);
  const row = page.locator("#log tbody button", { hasText: pathname }).first();
  while (await row.count() === 0) {
    await get(url, {
      authorization: "Bearer secret-2",
      cookie: "id=secret-3",
    });
    await row.waitFor({ timeout: 1_500 }).catch(() => {});
  }
}

testNeeding(
  [CHROMIUM],
  "the live page shows what goes on, and keeps secrets",
  async (t) => {
    await using backend = startBackend();
    await using echo = echoUpstream();
    await using admin = await startAdmin({
      upstreams: { backend: `127.0.0.1:${backend.port}` },
      locations: {
        "/api": "http://backend",
        "/ws": `http://127.0.0.1:${echo.port}`,
        "/": { return: [200, "hello"] },
      },
    });
    await using browser = await launchBrowser();
    const page = await browser.newPage();
    const faults = await open(page, admin);

    await t.step(
      "requests appear by location, and the upstream's health",
      async () => {
        await untilShown(page, `${admin.url}/api/rooms?token=secret-4&page=2`);
        await untilShown(page, `${admin.url}/api/broken`);
        const locations = await textOf(page, "#locations");
        ok(locations.includes("/api"), locations);
        const upstreams = await textOf(page, "#upstreams");
        ok(/backend\s+127\.0\.0\.1:\d+\s+● up/.test(upstreams), upstreams);
      },
    );

    await t.step("the numbers go on each second", async () => {
      const shown = await textOf(page, "#about");
      await page.locator("#about").filter({ hasNotText: shown }).waitFor();
    });

    await t.step("the filter leaves what it lets through", async () => {
      await page.selectOption("[name=status]", "5");
      const rows = () => page.locator("#log tbody button").allInnerTexts();
      ok((await rows()).every((row) => row.includes("/api/broken")));
      await page.selectOption("[name=status]", "");
      await page.fill("[name=path]", "rooms");
      ok((await rows()).every((row) => row.includes("/api/rooms")));
    });

    await t.step(
      "one click shows what was received, sent and answered",
      async () => {
        await page.check("[name=pause]");
        const first = page.locator("#log tbody button").first();
        await first.focus();
        await page.keyboard.press("Enter");
        const detail = await textOf(page, "#detail");
        ok(detail.includes("+\tx-request-id"), detail);
        ok(/x-forwarded-for\s+127\.0\.0\.1/.test(detail), detail);
        ok(detail.includes(`The browser will drop the cookie "id"`), detail);
        ok(detail.includes("page=2"), detail);
        ok(detail.includes("Bearer •••"), detail);
      },
    );

    await t.step("by the keyboard a request is sent again", async () => {
      const replay = page.getByRole("button", { name: "Replay" });
      await replay.focus();
      await page.keyboard.press("Enter");
      await page.locator("#detail h3", { hasText: "Replayed:" }).waitFor();
      const detail = await textOf(page, "#detail");
      ok(detail.includes("Replayed: the same answer"), detail);
      equal(await page.locator("#detail button:focus").innerText(), "Replay");
      // What came while it was paused is there when it goes on.
      const shown = await textOf(page, "#about");
      await page.locator("#about").filter({ hasNotText: shown }).waitFor();
      await page.uncheck("[name=pause]");
      const row = page.locator("#log tbody tr", { hasText: "replay of" });
      await row.waitFor();
      await page.check("[name=pause]");
      // The upstream has another answer now, and the page says which.
      backend.state.fail = true;
      await replay.press("Enter");
      await page.locator("#detail", { hasText: "what has changed" }).waitFor();
      const changed = await textOf(page, "#detail");
      ok(/−\s+status\s+200\s+\+\s+status\s+500/.test(changed), changed);
      backend.state.fail = false;
    });

    await t.step(
      "what came while another page was in front is there",
      async () => {
        await page.uncheck("[name=pause]");
        await page.fill("[name=path]", "behind");
        const hide = "{ value: true, configurable: true }";
        await page.evaluate(
          `Object.defineProperty(document, "hidden", ${hide})`,
        );
        await get(`${admin.url}/api/behind`);
        // Two events: the first may have been on its way.
        await page.evaluate(async () => {
          const events = new EventSource("/events");
          for (let seen = 0; seen < 3; seen++) {
            await new Promise((next) =>
              events.addEventListener("state", next, { once: true })
            );
          }
          events.close();
        });
        const row = page.locator("#log tbody button", { hasText: "behind" });
        equal(await row.count(), 0);
        await page.evaluate("delete document.hidden");
        await row.waitFor();
        await page.fill("[name=path]", "");
        await page.check("[name=pause]");
      },
    );

    await t.step("on a phone nothing is wider than it", async () => {
      const size = page.viewportSize();
      await page.setViewportSize({ width: 360, height: 740 });
      const width = await page.evaluate("document.body.scrollWidth");
      equal(width, 360);
      if (size !== null) await page.setViewportSize(size);
    });

    await t.step("no secret reaches the page", async () => {
      const all = await page.content();
      ok(!all.includes("secret-"), all.slice(all.indexOf("secret-") - 200));
    });

    for (const colorScheme of ["light", "dark"] as const) {
      await t.step(
        `axe-core finds nothing wrong (${colorScheme})`,
        async () => {
          await page.emulateMedia({ colorScheme });
          await page.evaluate(axe.source);
          const violations = await page.evaluate(async () => {
            const { axe } = globalThis as unknown as {
              axe: typeof import("axe-core");
            };
            const results = await axe.run();
            return results.violations.map(({ id, nodes }) =>
              `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" ")}`
            );
          });
          deepStrictEqual(violations, []);
        },
      );
    }

    await t.step("Escape closes it, back to its row", async () => {
      await page.locator("#detail button").last().focus();
      await page.keyboard.press("Escape");
      equal(await page.locator("#detail").isHidden(), true);
      equal(await page.locator("#log button:focus").count(), 1);
    });

    await t.step("under load the page stays quick", async () => {
      await page.fill("[name=path]", "");
      await page.uncheck("[name=pause]");
      await page.evaluate(() => {
        const tasks: number[] = [];
        Object.assign(globalThis, { tasks });
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) tasks.push(duration);
        }).observe({ type: "longtask" });
      });
      for (let second = 0; second < 4; second++) {
        const shown = await textOf(page, "#about");
        await Promise.all(
          Array.from({ length: BURST }, () => get(`${admin.url}/api/load`)),
        );
        await page.locator("#about").filter({ hasNotText: shown }).waitFor();
      }
      const tasks = await page.evaluate(() =>
        (globalThis as unknown as { tasks: number[] }).tasks
      );
      // A busy machine makes any task long now and then.
      const long = tasks.filter((duration) => duration > 2 * LONG_TASK);
      ok(long.length <= 1, `long tasks: ${tasks.join(", ")} ms`);
    });

    await t.step("what is too much to be recorded is counted", async () => {
      const counted = page.locator("#missed").filter({
        hasText: /^[1-9]\d* more in the last second/,
      });
      const requests = Array.from(
        { length: ALLOWANCE + 100 },
        () => get(`${admin.url}/api/load`),
      );
      await Promise.all([counted.waitFor(), ...requests]);
    });

    deepStrictEqual(faults, []);
  },
);

Deno.test("the live page is small, and asks nobody else for anything", async () => {
  await using admin = await startAdmin({ locations: { "/": { return: 204 } } });
  let size = 0;
  for (const path of Object.keys(PAGE)) {
    const response = await fetch(admin.admin + path);
    equal(response.status, 200, path);
    const policy = response.headers.get("content-security-policy") ?? "";
    ok(policy.startsWith("default-src 'self'"), policy);
    const text = await response.text();
    size += text.length;
    const others = text.match(/https?:\/\/[^"'\s)]+/g) ?? [];
    deepStrictEqual(
      others.filter((url) => !url.startsWith("http://www.w3.org/")),
      [],
    );
  }
  ok(size < LARGEST, `${size} bytes`);
});
