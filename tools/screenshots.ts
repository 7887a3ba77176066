/**
 * Makes the pictures of the live page in docs/: a stack under load, looked at by
 * Chromium.
 *
 *     deno run -A tools/with_std.ts run -A tools/screenshots.ts
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../tests/support/browser.ts";
import { echoUpstream } from "../tests/support/echo.ts";
import { startSameorigin } from "../tests/support/process.ts";

/** Milliseconds of load before a picture is taken: the plots show two minutes. */
const LOAD = Number(Deno.env.get("SCREENSHOT_LOAD") ?? 125_000);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A service that takes its time. */
function service(
  answer: (path: string) => { ms: number; init?: ResponseInit },
) {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      await request.text();
      const { ms, init } = answer(new URL(request.url).pathname);
      await pause(ms * (0.5 + Math.random()));
      const body = init?.status === 302 ? null : "x".repeat(2_000);
      return new Response(body, init);
    },
  );
}

/** Django's part of the tutorial's stack, more or less. */
function backend(path: string): ReturnType<Parameters<typeof service>[0]> {
  if (path.startsWith("/api/session")) {
    const headers = new Headers({ "content-type": "application/json" });
    headers.append(
      "set-cookie",
      "sessionid=1f3c9; Path=/; HttpOnly; SameSite=Lax",
    );
    headers.append("set-cookie", "theme=dark; Path=/; SameSite=None");
    return { ms: 6, init: { headers } };
  }
  if (path.startsWith("/api/reports")) {
    return { ms: 60, init: { status: Math.random() < 0.1 ? 503 : 200 } };
  }
  if (path.startsWith("/admin")) {
    return {
      ms: 14,
      init: { status: 302, headers: { location: "/admin/login/" } },
    };
  }
  return { ms: 4 };
}

const PATHS = [
  ...["/", "/src/main.tsx", "/src/Room.tsx", "/assets/logo.svg"],
  ...["/api/rooms/", "/api/rooms/general/messages/", "/api/rooms/"],
  ...[
    "/api/session/?next=/rooms/1",
    "/api/reports/42",
    "/static/admin/base.css",
  ],
  ...["/admin/", "/api/rooms/1/?token=abc"],
];

const HEADERS = {
  "accept": "application/json, text/plain, */*",
  "accept-language": "en-GB,en;q=0.9",
  "cookie": "sessionid=1f3c9; csrftoken=8dd2",
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
};

/** Sends requests, more and fewer of them by turns, until it is told to stop. */
async function load(url: string, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    const path = PATHS[Math.floor(Math.random() * PATHS.length)];
    try {
      const response = await fetch(url + path, {
        headers: HEADERS,
        redirect: "manual",
        signal,
      });
      await response.body?.cancel();
    } catch {
      // It was told to stop.
    }
    await pause(20 + 20 * Math.sin(Date.now() / 9_000) + 30 * Math.random());
  }
}

/** Keeps WebSockets busy. */
async function chat(url: string, signal: AbortSignal): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 60 }, async () => {
    const socket = new WebSocket(`${url}/connection/websocket`);
    await new Promise((resolve) => socket.onopen = resolve);
    return socket;
  }));
  while (!signal.aborted) {
    for (const socket of sockets) {
      if (Math.random() < 0.3) socket.send('{"publish":{"channel":"general"}}');
    }
    await pause(250);
  }
  for (const socket of sockets) socket.close();
}

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const stop = new AbortController();
  const services = [service(backend), service(() => ({ ms: 1 }))];
  await using echo = echoUpstream();
  const [django, vite] = services.map(({ addr }) => `127.0.0.1:${addr.port}`);
  await Deno.writeTextFile(
    `${folder}/config.yaml`,
    `listen: 127.0.0.1:0
upstreams:
  backend: { servers: ["${django}", { address: "127.0.0.1:9", backup: true }], health_check: / }
  frontend: "${vite}"
  centrifugo: 127.0.0.1:${echo.port}
locations:
  /api: http://backend
  /admin: http://backend
  /static: http://backend
  /connection/websocket: http://centrifugo
  /: http://frontend
`,
  );
  const proxy = await startSameorigin(["--admin", "0"], { cwd: folder });
  try {
    const [, port] = await proxy.until(/http:\/\/localhost:(\d+)\n/);
    const [, admin] = await proxy.until(/http:\/\/localhost:(\d+) +\(admin\)/);
    const url = `http://127.0.0.1:${port}`;
    const clients = Array.from({ length: 12 }, () => load(url, stop.signal));
    clients.push(chat(url.replace("http", "ws"), stop.signal));
    await using browser = await launchBrowser();
    const context = await browser.newContext({
      deviceScaleFactor: 1.5,
      viewport: { width: 1240, height: 1010 },
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error(error));
    page.on("console", (message) => console.error(message.text()));
    await page.goto(`http://localhost:${admin}/`);
    await pause(LOAD);
    await page.fill("[name=path]", "/api/session");
    await page.locator("#log tbody button").first().click();
    await page.check("[name=pause]");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: picture(colorScheme), fullPage: true });
    }
    await page.keyboard.press("Escape");
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: picture("phone") });
    stop.abort();
    await Promise.all(clients);
  } finally {
    await proxy[Symbol.asyncDispose]();
    await Promise.all(services.map((it) => it.shutdown()));
    await Deno.remove(folder, { recursive: true });
  }
}

const picture = (name: string) =>
  fileURLToPath(new URL(`../docs/live-page-${name}.png`, import.meta.url));

await main();
