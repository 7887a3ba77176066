import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  type RunningProcess,
  startSameorigin,
  urlOf,
} from "../support/process.ts";
import { Browser, client, publications, subscribed } from "./support.ts";

const DEV = fileURLToPath(new URL("../../tools/dev.ts", import.meta.url));
const CONFIG = new URL("../../config.yaml", import.meta.url);

/** No upstream of the machine's own. */
const NONE = { BACKEND: "", FRONTEND: "", CENTRIFUGO: "" };

/** Nothing listens on the discard port. */
const NOBODY = "http://127.0.0.1:9";

/** Runs `deno task dev` with the demo; ends it, and with it the proxy. */
async function withDev(
  args: readonly string[],
  fn: (dev: RunningProcess) => Promise<void>,
  env: Record<string, string> = NONE,
): Promise<void> {
  await using dev = await startSameorigin(
    args.includes("--listen") ? args : ["--listen", "127.0.0.1:0", ...args],
    { module: DEV, permissions: ["--allow-run"], env },
  );
  try {
    await fn(dev);
  } finally {
    try {
      dev.kill("SIGTERM");
    } catch {
      // It has ended.
    }
    await dev.ended;
  }
}

Deno.test("deno task dev: a page, an API with a session, an admin, and two users who chat, on one origin", async () => {
  // Where the network is reached through a proxy, this machine is not.
  const env = { ...NONE, HTTP_PROXY: NOBODY, http_proxy: NOBODY };
  await withDev([], async (dev) => {
    const url = await urlOf(dev);
    // Open, or taken by another proxy: then it runs without.
    await dev.until(/\(admin\)/);
    const page = await fetch(url);
    assert.match(await page.text(), /<title>sameorigin demo<\/title>/);

    const ada = new Browser(url);
    const ben = new Browser(url);
    await ada.signIn("Ada");
    await ben.signIn("Ben");
    const token = async () => {
      const answer = await ben.json("/api/connection-token");
      return (answer as { token: string }).token;
    };
    using live = client(new URL(url).host, "Ben", { getToken: token });
    live.connect();
    const room = publications(await subscribed(live, "room:1"));
    const said = await ada.post("/api/rooms/1/messages", { text: "Hello" });
    const message = await said.json();
    assert.deepEqual((await room.next()).value, {
      data: { type: "message", message },
      user: null,
    });

    const admin = await new Browser(url).fetch("/admin/");
    await admin.body?.cancel();
    assert.equal(
      admin.headers.get("location"),
      `${url}/admin/login/?next=%2Fadmin%2F`,
    );
    const css = await fetch(`${url}/static/admin.css`);
    await css.body?.cancel();
    assert.equal(css.status, 200);

    dev.kill("SIGTERM");
    assert.equal((await dev.ended).code, 0);
    await assert.rejects(fetch(url));
  }, env);
});

Deno.test("your own services take the place of the demo's", async () => {
  const mine = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("mine"),
  );
  const address = `127.0.0.1:${mine.addr.port}`;
  await withDev([], async (dev) => {
    const url = await urlOf(dev);
    assert.equal(await (await fetch(`${url}/api/me`)).text(), "mine");
    assert.equal(await (await fetch(url)).text(), "mine");
    await dev.until(new RegExp(`^yours +backend +${address}$`, "m"));
    await dev.until(/^demo +centrifugo +127/m);
  }, { ...NONE, BACKEND: address, FRONTEND: address });
  await mine.shutdown();
});

Deno.test("an edit of the config is in effect at once, and a broken one changes nothing", async () => {
  const folder = await Deno.makeTempDir();
  const config = `${folder}/config.yaml`;
  const text = await Deno.readTextFile(CONFIG);
  await Deno.writeTextFile(config, text);
  await withDev(["--config", config], async (dev) => {
    const url = await urlOf(dev);
    const ada = new Browser(url);
    await ada.signIn("Ada");

    await Deno.writeTextFile(config, text.replace("/api:", "api:"));
    await dev.until(/changed: the proxy keeps running with the config it has/);
    assert.deepEqual(await ada.json("/api/me"), { user: { name: "Ada" } });

    // As editors save: a new file in the old one's place.
    const next = text.replace("/api:", "/API: http://backend\n  /api:");
    await Deno.writeTextFile(`${config}~`, next);
    await Deno.rename(`${config}~`, config);
    await dev.until(/changed: \S+config\.yaml is in effect: 6 locations/);
    assert.deepEqual(await ada.json("/api/me"), { user: { name: "Ada" } });
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a start that fails ends with the proxy's exit code", async () => {
  await using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await withDev(["--listen", `127.0.0.1:${taken.addr.port}`], async (dev) => {
    const { code, stderr } = await dev.ended;
    assert.equal(code, 1);
    assert.match(stderr, /is in use/);
  });
  await withDev(["--lan", "--listen", "127.0.0.1:9000"], async (dev) => {
    const { code, stderr } = await dev.ended;
    assert.equal(code, 2);
    assert.match(stderr, /^--lan is for other devices, .+$/m);
  });
  await withDev(["--no-such-option"], async (dev) => {
    assert.equal((await dev.ended).code, 2);
  });
});
