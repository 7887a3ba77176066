/**
 * Vite's hot reload in a browser, through the proxy. The client of Vite 2 to 5
 * is the demanding one: it comes back only after a connection that was lost
 * without a close frame, and takes any answer for a sign that Vite is back.
 *
 * @module
 */
import { ok } from "node:assert/strict";
import type { Page } from "playwright-core";
import { freePorts } from "../../tools/stack/ports.ts";
import { CommandFailed } from "../../tools/stack/run_to_end.ts";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { startSameorigin, urlOf } from "../support/process.ts";
import { findProgram, isSkipped, testUnless } from "../support/skip.ts";
import { chatViteVersion, Vite, whyNoVite } from "../support/vite.ts";

/** The last one with the client described above. */
const VITE_5 = "5.4.21";

/** Milliseconds for which Vite is stopped. */
const DOWNTIME = 1_000;

/** Milliseconds after which a change that was not seen is made again. */
const PATIENCE = 3_000;

const lack = findProgram(CHROMIUM) === undefined
  ? `${CHROMIUM.replaceAll("|", " or ")} not installed`
  : await whyNoVite();

/** The error pages of `--dev`, which reload themselves, are the same for all versions. */
const CASES: readonly [version: string, ...flags: string[]][] = [
  [VITE_5, "--dev"],
  [VITE_5],
  [await chatViteVersion()],
];

for (const [version, ...flags] of CASES) {
  const name = `an edit arrives in the page after Vite ${version} or the ` +
    `proxy was restarted (${flags[0] ?? "without --dev"})`;
  testUnless(lack, name, async (context) => {
    let vite: Vite;
    try {
      vite = await Vite.start(version);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      isSkipped(`npm can't install it: ${error.message}`, name);
      return;
    }
    await using _ = vite;
    await survivesRestarts(vite, flags, context);
  });
}

async function survivesRestarts(
  vite: Vite,
  flags: readonly string[],
  context: Deno.TestContext,
): Promise<void> {
  const [port = 0] = await freePorts(1);
  const startProxy = async () => {
    const to = `/=127.0.0.1:${vite.port}`;
    const listen = `127.0.0.1:${port}`;
    const proxy = await startSameorigin(
      ["run", "--to", to, "--listen", listen, ...flags],
    );
    await urlOf(proxy);
    return proxy;
  };
  let proxy = await startProxy();
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    // Vite's client says so when its WebSocket is open. One that never was does
    // not try again: nothing may be restarted before.
    const connected = () =>
      page.waitForEvent(
        "console",
        (message) => message.text() === "[vite] connected.",
      );
    await Promise.all([connected(), page.goto(`http://localhost:${port}/`)]);
    await shows(page, "first");
    const step = async (name: string, restart: () => Promise<unknown>) => {
      const done = await context.step({
        name,
        async fn() {
          // Nobody touches the page: it loads itself again.
          await Promise.all([connected(), restart()]);
          await untilSeen(connected(), () => vite.edit(name));
          await shows(page, name);
        },
        sanitizeOps: false,
        sanitizeResources: false,
        sanitizeExit: false,
      });
      ok(done, name);
    };
    await step("a source file is edited", () => vite.edit("second"));
    await step(
      "the config is edited",
      () => untilSeen(connected(), () => vite.editConfig()),
    );
    await step("Vite is stopped and started again", async () => {
      await vite.stop();
      await new Promise((resolve) => setTimeout(resolve, DOWNTIME));
      await vite.start();
    });
    await step("the proxy is restarted", async () => {
      proxy.kill("SIGTERM");
      await proxy.ended;
      proxy = await startProxy();
    });
  } finally {
    await browser.close();
    await proxy[Symbol.asyncDispose]();
  }
}

/**
 * Changes something until that has been seen: what changes while Vite starts to
 * watch, or is read while it is being written, Vite may miss.
 */
async function untilSeen(
  seen: Promise<unknown>,
  change: () => Promise<unknown>,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = async (): Promise<void> => {
    await change();
    timer = setTimeout(again, PATIENCE);
  };
  try {
    await again();
    await seen;
  } finally {
    clearTimeout(timer);
  }
}

async function shows(page: Page, word: string): Promise<void> {
  await page.locator("#word").filter({ hasText: word }).waitFor();
}
