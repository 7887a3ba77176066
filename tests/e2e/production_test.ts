/**
 * `examples/production` in a browser: HTTPS with a certificate by ACME, the built
 * page, and the limit of logins, by one process beside Django and Centrifugo.
 *
 * @module
 */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import type { Browser, Page, Response } from "playwright-core";
import { launchBrowser } from "../support/browser.ts";
import { whyNoPages } from "../support/chat.ts";
import { withoutPebble } from "../support/pebble_programs.ts";
import {
  DOMAIN,
  type Production,
  startProduction,
  trustedHome,
} from "../support/production.ts";
import { findProgram, testUnless } from "../support/skip.ts";
import { newPerson, say, signIn, sockets, untilSeen } from "./chat/page.ts";

/** More logins than the limit lets pass at once: one, and a burst of five. */
const FLOOD = 20;

testUnless(
  await whyNoPages() ?? await withoutPebble() ??
    (findProgram("certutil") ? null : "certutil not installed"),
  "the production example: one process and one config before Django and Centrifugo",
  async (context) => {
    await using production = await startProduction();
    const { users } = production.stack;
    const origin = `https://${DOMAIN}:${production.https}`;
    const browser = await launchBrowser(
      await trustedHome(production),
      [`--host-resolver-rules=MAP ${DOMAIN} 127.0.0.1`],
    );
    const step = async (name: string, fn: () => Promise<void>) => {
      const ok = await context.step(name, fn);
      if (!ok) throw new Error(`failed: ${name}`);
    };
    try {
      await step("check and explain say what it does", () => told(production));

      const alice = await newPage(browser);
      const bob = await newPage(browser);
      await step("plain HTTP leads to HTTPS, to the same path", async () => {
        const plain = `http://${DOMAIN}:${production.http}/rooms/7?a=b`;
        const response = await alice.goto(plain);
        equal(alice.url(), `${origin}/rooms/7?a=b`);
        const first = await response?.request().redirectedFrom()?.response();
        equal(first?.status(), 308);
        equal(response?.status(), 200);
        match(
          response?.headers()["strict-transport-security"] ?? "",
          /^max-age=31536000$/,
        );
        // By the authority that the browser trusts, and by no exception.
        const { issuer } = await response?.securityDetails() ?? {};
        match(issuer ?? "", /^Pebble Intermediate CA/);
      });

      await step("a deep route is the page, and its assets are kept", () => {
        return loadsOnce(bob, origin);
      });

      await step("two people log in and chat over WebSockets", async () => {
        await signIn(alice, users.alice);
        await signIn(bob, users.bob);
        await say(alice, "hello over TLS");
        await untilSeen(bob, "hello over TLS");
        await say(bob, "hello to you");
        await untilSeen(alice, "hello to you");
        const [socket] = await sockets(alice);
        deepEqual(socket, {
          url: `wss://${DOMAIN}:${production.https}/connection/websocket`,
          closed: null,
        });
        const cookies = await alice.context().cookies();
        deepEqual(
          cookies.map(({ name, secure }) => `${name} ${secure}`).toSorted(),
          ["csrftoken true", "sessionid true"],
        );
      });

      await step(
        "a flood of logins gets 429, and the chat goes on",
        async () => {
          const carol = await newPage(browser);
          await carol.goto(origin);
          const statuses = await carol.evaluate<number[]>(`Promise.all(
          Array.from({ length: ${FLOOD} }, async () =>
            (await fetch("/api/login/", { method: "POST", body: "{}" })).status),
        )`);
          const passed = statuses.filter((status) => status !== 429);
          // Six at once, of which two logins were some seconds ago, and a slow
          // machine's seconds let some more pass.
          ok(passed.length > 0 && passed.length < FLOOD / 2, statuses.join());
          // By Django, for want of a CSRF token.
          ok(passed.every((status) => status === 403), statuses.join());
          await say(bob, "undisturbed");
          await untilSeen(alice, "undisturbed");
        },
      );
    } finally {
      await browser.close();
    }
  },
);

async function newPage(browser: Browser): Promise<Page> {
  return await (await newPerson(browser)).newPage();
}

/** What the commands say of the example. */
async function told(production: Production): Promise<void> {
  const check = await production.command("check");
  equal(check.code, 0, check.stderr);
  match(check.stdout, /ok, 1 server, 9 locations, 2 upstreams/);
  // As the container's health check has it.
  const health = await production.command("health");
  equal(health.code, 0, health.stderr);
  const explain = async (method: string, path: string) =>
    (await production.command("explain", method, path)).stdout;
  match(await explain("GET", "/rooms/7"), /try_files +\/index\.html/);
  for (const path of ["/api/login/", "//admin/%6Cogin/"]) {
    match(
      await explain("POST", path),
      /access +limit_req +passes +up to 10r\/m/,
    );
  }
  match(await explain("GET", "/api/rooms/"), /location +\/api /);
}

/** Loads a deep route twice: assets come compressed, and only once. */
async function loadsOnce(page: Page, origin: string): Promise<void> {
  const answers = new Map<string, Response>();
  page.on("response", (response) => {
    answers.set(new URL(response.url()).pathname, response);
  });
  const load = async () => {
    answers.clear();
    await page.goto(`${origin}/rooms/7`);
    await page.getByTestId("login-form").waitFor();
    const assets = [...answers].filter(([path]) => path.startsWith("/assets/"));
    const types = assets.map(([path]) => /\.\w+$/.exec(path)?.[0]).toSorted();
    deepEqual(types, [".css", ".js"]);
    return assets.map(([, response]) => response);
  };
  for (const asset of await load()) {
    const headers = await asset.allHeaders();
    equal(headers["content-encoding"], "gzip");
    // As the file is, not compressed on its way.
    ok(Number(headers["content-length"]) > 0);
    match(headers["cache-control"] ?? "", /^max-age=315360000, immutable$/);
  }
  const html = await answers.get("/rooms/7")?.allHeaders();
  equal(html?.["content-encoding"], "gzip");
  equal(html?.["cache-control"], "no-cache");
  await load();
  // Of what a browser has kept, nothing is transferred.
  const transferred = await page.evaluate<number[]>(
    `performance.getEntriesByType("resource")
      .filter(({ name }) => name.includes("/assets/"))
      .map(({ transferSize }) => transferSize)`,
  );
  deepEqual(transferred, [0, 0]);
  // No page in the place of a script that an older release had.
  const gone = `fetch("/assets/gone.js").then(({ status }) => status)`;
  equal(await page.evaluate<number>(gone), 404);
}
