/**
 * Django's admin through sameorigin: its forms, which Django protects by
 * comparing `Origin` with the `Host` that it is given, and its files.
 *
 * @module
 */
import { match, ok, strictEqual as equal } from "node:assert/strict";
import { join } from "node:path";
import type { Page, Response } from "playwright-core";
import { EXAMPLE } from "../../../tools/stack/places.ts";
import type { Scenario } from "../../support/chat.ts";
import { enter, type Login } from "./page.ts";

/** Of what an admin page is made, and how it has to be called. */
const TYPES: Readonly<Record<string, RegExp>> = {
  stylesheet: /^text\/css\b/,
  script: /^text\/javascript\b/,
};

export const admin: Scenario = {
  key: "admin",
  name: "Django's admin behind the one origin",
  needsPages: true,
  async run(fixture, step) {
    const { stack } = fixture;
    const { origin, users } = stack;
    const config = await Deno.readTextFile(
      join(EXAMPLE, "sameorigin", "config.yaml"),
    );
    const browser = await fixture.browser();
    const admin = await browser.newPage();

    await step("redirects stay on the origin", async () => {
      for (
        const [path, target] of [
          ["/admin", "/admin/"],
          ["/admin/", "/admin/login/?next=/admin/"],
          ["/api/session", "/api/session/"],
        ] as const
      ) {
        const answer = await admin.request.get(origin + path, {
          maxRedirects: 0,
        });
        ok([301, 302].includes(answer.status()), `${path}: ${answer.status()}`);
        const location = answer.headers()["location"] ?? "";
        equal(new URL(location, origin + path).href, origin + target);
      }
    });

    await step(
      "who logs in gets the pages with all their files",
      async () => {
        const files = new Map<string, Response[]>();
        admin.on("response", (response) => {
          const type = response.request().resourceType();
          files.set(type, [...files.get(type) ?? [], response]);
        });
        await admin.goto(`${origin}/admin/`);
        equal(admin.url(), `${origin}/admin/login/?next=/admin/`);
        await logIn(admin, users.admin);
        await admin.getByText("Site administration").waitFor();
        equal(admin.url(), `${origin}/admin/`);
        for (const [type, expected] of Object.entries(TYPES)) {
          const responses = files.get(type) ?? [];
          ok(responses.length > 0, type);
          for (const response of responses) {
            match(response.url(), /\/static\/admin\//);
            equal(response.status(), 200, response.url());
            match(response.headers()["content-type"] ?? "", expected);
          }
        }
      },
    );

    await step(
      "a room that is made there appears in open pages",
      async () => {
        const bob = await enter(browser, origin, users.bob);
        await bob.evaluate("globalThis.isTheSame = true");
        const response = await addRoom(admin, origin, "Tea kitchen");
        equal(response.status(), 302);
        await bob.getByTestId("room-list").getByText("Tea kitchen").waitFor();
        equal(await bob.evaluate("isTheSame"), true);
      },
    );

    await step(
      "with `Host: $host` Django misses the port, and refuses",
      async () => {
        await stack.replaceConfig(withHost(config));
        const response = await addRoom(admin, origin, "Smoking room");
        equal(response.status(), 403);
        await admin.getByText(
          `Origin checking failed - ${origin} does not match any trusted origins.`,
        ).waitFor();
      },
    );

    await step("but accepts an origin that it is told to trust", async () => {
      await stack.restart("backend", { CSRF_TRUSTED_ORIGINS: origin });
      const response = await addRoom(admin, origin, "Smoking room");
      equal(response.status(), 302);
      equal(admin.url(), `${origin}/admin/chat/room/`);
      await admin.locator("th.field-name", { hasText: "Smoking room" })
        .waitFor();
    });
    await stack.replaceConfig(config);
  },
};

/** A config, but for the Host that upstreams are told. */
function withHost(text: string): string {
  match(text, /^ {2}Host: \$http_host$/m);
  return text.replace("Host: $http_host", "Host: $host");
}

async function logIn(page: Page, { username, password }: Login): Promise<void> {
  await page.fill("#id_username", username);
  await page.fill("#id_password", password);
  await page.click("input[type=submit]");
  await page.waitForURL("**/admin/");
}

/** @returns the answer to the form; a redirect has been followed. */
async function addRoom(
  page: Page,
  origin: string,
  name: string,
): Promise<Response> {
  const url = `${origin}/admin/chat/room/add/`;
  await page.goto(url);
  await page.fill("#id_name", name);
  const [response] = await Promise.all([
    page.waitForResponse((it) =>
      it.url() === url && it.request().method() === "POST"
    ),
    page.click("input[name=_save]"),
  ]);
  // Without it Django would compare nothing.
  equal(await response.request().headerValue("origin"), origin);
  await page.waitForLoadState();
  return response;
}
