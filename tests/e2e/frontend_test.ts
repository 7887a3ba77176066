/**
 * A built single-page application in a browser: modules and styles are what
 * they are, whatever route is loaded first; compressed ones are unpacked, kept,
 * and a new release is seen.
 *
 * @module
 */
import { deepStrictEqual, strictEqual as equal } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { CHROMIUM, launchBrowser } from "../support/browser.ts";
import { makeFolder } from "../support/folder.ts";
import { startProxy } from "../support/proxy.ts";
import { testNeeding } from "../support/skip.ts";

const page = (script: string) =>
  `<!doctype html><link rel="stylesheet" href="/assets/style-1.css">
<link rel="icon" href="data:,">
<script type="module" src="/assets/${script}"></script><p id="route"></p>`;

const script = (release: string) =>
  `import { words } from "./words-1.mjs";
document.querySelector("#route").textContent =
  \`\${words} ${release} \${location.pathname}\`;`;

testNeeding(
  [CHROMIUM],
  "a built frontend runs in a browser, from any route, and is asked for only where it may have changed",
  async () => {
    await using folder = await makeFolder({
      "index.html": page("app-1.js"),
      "assets/style-1.css": "#route { color: rgb(1, 2, 3) }",
      "assets/app-1.js": script("one"),
      // What a browser does not get as it is stored, it could not run.
      "assets/app-1.js.gz": gzipSync(script("one")),
      "assets/words-1.mjs": `export const words = "ünïcode";`,
    });
    await using proxy = startProxy({
      root: folder.path,
      gzip_static: true,
      locations: {
        "/": { try_files: "$uri /index.html" },
        "= /index.html": { expires: -1 },
        "/assets/": { expires: "max" },
      },
    });
    /** A line is written once its response has been delivered. */
    const logged = async (count: number) => {
      while (proxy.lines.length < count) {
        await proxy.log.flush();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    const browser = await launchBrowser();
    try {
      const tab = await (await browser.newContext()).newPage();
      let answers: [status: number, path: string][] = [];
      tab.on("response", (response) => {
        const { pathname } = new URL(response.url());
        answers.push([response.status(), pathname]);
      });
      /** Loads a route, and gives the page's words. */
      const load = async (route: string) => {
        answers = [];
        await tab.goto(proxy.url + route);
        await tab.waitForSelector("#route:not(:empty)");
        return await tab.textContent("#route");
      };
      equal(await load("/rooms/7"), "ünïcode one /rooms/7");
      deepStrictEqual(
        answers.toSorted(),
        [
          [200, "/assets/app-1.js"],
          [200, "/assets/style-1.css"],
          [200, "/assets/words-1.mjs"],
          [200, "/rooms/7"],
        ],
      );
      equal(
        await tab.evaluate(
          `getComputedStyle(document.querySelector("#route")).color`,
        ),
        "rgb(1, 2, 3)",
      );
      await logged(4);
      const before = proxy.lines.length;
      equal(await load("/rooms/7"), "ünïcode one /rooms/7");
      equal(await load("/other"), "ünïcode one /other");

      // A new release, with another name for what has changed.
      await Deno.writeTextFile(`${folder.path}/assets/app-2.js`, script("two"));
      await Deno.writeTextFile(`${folder.path}/index.html`, page("app-2.js"));
      equal(await load("/rooms/7"), "ünïcode two /rooms/7");
      await logged(before + 4);
      const asked = proxy.lines.slice(before)
        .map((line) => /"GET (\S+) [^"]*" (\d+)/.exec(line)?.slice(1));
      deepStrictEqual(asked, [
        ["/rooms/7", "304"],
        ["/other", "200"],
        ["/rooms/7", "200"],
        ["/assets/app-2.js", "200"],
      ]);
    } finally {
      await browser.close();
    }
  },
);
