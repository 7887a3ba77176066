/**
 * Files and the commands: a folder that is not there, and which file answers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Folder, makeFolder } from "../support/folder.ts";
import { startSameorigin, urlOf } from "../support/process.ts";
import { command } from "../support/terminal.ts";

/** Paths are written otherwise there. */
const ignore = Deno.build.os === "windows";

const CONFIG = `
listen: 127.0.0.1:9000
root: dist
locations:
  /: {try_files: $uri /index.html}
  = /index.html: {expires: -1}
  /assets/: {expires: max, gzip_static: on}
  /old/: {root: gone}
  /gone/: {alias: /nowhere/at/all}
  /file/: {root: config.yaml}
`;

function site(config: string): Promise<Folder> {
  return makeFolder({
    "config.yaml": config,
    "dist/index.html": "app",
    "dist/assets/a.js": "let a;",
    "dist/assets/a.js.gz": "compressed",
  });
}

Deno.test("check names each folder that is not there", { ignore }, async () => {
  await using folder = await site(CONFIG);
  const config = `${folder.path}/config.yaml`;
  const { code, notes } = await command("check", "-c", config);
  assert.equal(code, 2);
  assert.equal(
    notes,
    `${config}: locations["/old/"].root: there is no folder ${folder.path}/gone (make it, or build what belongs there)
${config}: locations["/gone/"].alias: there is no folder /nowhere/at/all (make it, or build what belongs there)
${config}: locations["/file/"].root: ${config} is a file (name the folder that it is in)
sameorigin: 3 problems
`,
  );
  await Deno.writeTextFile(config, CONFIG.split("  /old/")[0] ?? "");
  assert.equal((await command("check", "-c", config)).code, 0);
});

async function explained(folder: Folder, ...argv: string[]) {
  const { code, output, notes } = await command(
    ...["explain", "-c", `${folder.path}/config.yaml`, ...argv],
  );
  assert.equal(code, 0, notes);
  // So that the columns don't depend on the folder's length.
  return output.replaceAll(folder.path, "SITE").replace(/ {2,}/g, "  ");
}

Deno.test(
  "explain says which file is sent, and by which redirects",
  { ignore },
  async () => {
    await using folder = await site(CONFIG);
    assert.equal(
      await explained(folder, "GET", "/deep/route"),
      `admit  listen  127.0.0.1:9000
redirect  try_files  /index.html  by location /
route  server  (no server_name)  the only server
  location  = /index.html  exact
  not  /  the exact = /index.html comes before all others
  not  4 others  see --json
content  file  SITE/dist/index.html  root dist, text/html; charset=utf-8
`,
    );
    assert.equal(
      await explained(
        ...[
          folder,
          "GET",
          "/assets/a.js",
          "-H",
          "Accept-Encoding: gzip",
        ] as const,
      ),
      `admit  listen  127.0.0.1:9000
route  server  (no server_name)  the only server
  location  /assets/  longest prefix of 6 locations
  not  /  /assets/ is a longer prefix
  not  4 others  see --json
content  file  SITE/dist/assets/a.js.gz  root dist, text/javascript; charset=utf-8
`,
    );
  },
);

Deno.test("explain says what was looked for in vain", { ignore }, async () => {
  await using folder = await site(CONFIG);
  assert.equal(
    await explained(folder, "GET", "/assets/b.js"),
    `admit  listen  127.0.0.1:9000
route  server  (no server_name)  the only server
  location  /assets/  longest prefix of 6 locations
  not  /  /assets/ is a longer prefix
  not  4 others  see --json
content  tried  there is no SITE/dist/assets/b.js
content  answer  404

Answered by the proxy itself:
404 there is no SITE/dist/assets/b.js
`,
  );
  const json = JSON.parse(
    await explained(folder, "--json", "GET", "/assets"),
  );
  assert.deepEqual(json.redirects, [
    { by: "try_files", location: "/", to: "/index.html" },
  ]);
  assert.equal(json.file.path, "SITE/dist/index.html");
  assert.equal(json.answer, null);
  const folderAnswer = JSON.parse(
    await explained(folder, "--json", "GET", "/assets/?x"),
  );
  assert.equal(folderAnswer.answer.status, 403);
});

Deno.test(
  "run warns of a folder that is not there, and serves the others in each worker",
  { ignore },
  async () => {
    await using folder = await site(
      "workers: 2\nlisten: 127.0.0.1:0\nroot: dist\n" +
        "locations:\n  /: {}\n  /old/: {root: gone}\n",
    );
    await using running = await startSameorigin(["-c", "config.yaml"], {
      cwd: folder.path,
    });
    await running.until(
      /locations\["\/old\/"\]\.root: warning: there is no folder/,
    );
    const url = await urlOf(running);
    for (let i = 0; i < 8; i++) {
      const response = await fetch(`${url}/`, {
        headers: { connection: "close" },
      });
      assert.equal(await response.text(), "app");
    }
    const missing = await fetch(`${url}/old/x`);
    assert.equal(missing.status, 404);
    await missing.body?.cancel();
  },
);
