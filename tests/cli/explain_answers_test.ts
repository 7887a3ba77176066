/**
 * `explain`: what it says of rewrite, error_page and filters.
 *
 * @module
 */
import assert from "node:assert/strict";
import { command } from "../support/terminal.ts";

const CONFIG = `
add_header: {X-A: b}
error_page: {403: /no.html}
locations:
  /old/:
    rewrite: ["^/old/(.*)$ /new/$1 last"]
  /gone/:
    rewrite: "^/gone/(.*)$ /new/$1 permanent"
  /new/:
    proxy_pass: http://back:8000
    gzip: on
    brotli: on
  /closed/:
    proxy_pass: http://back:8000
    access: [{deny: all}]
  /no.html: {return: "200 no", internal: true}
`;

async function explained(target: string): Promise<string> {
  const config = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(config, CONFIG);
    const { code, output, notes } = await command(
      ...["explain", "GET", target, "-c", config],
    );
    assert.equal(code, 0, notes);
    return output;
  } finally {
    await Deno.remove(config);
  }
}

Deno.test("explain shows the rules that match, and what is done to the response", async () => {
  const output = await explained("/old/a?b");
  assert.match(output, /^rewrite +rule +\^\/old\/\(\.\*\)\$ \/new\/\$1 last$/m);
  assert.match(output, /^ +target +\/new\/a\?b$/m);
  assert.match(output, /^route .*\n +location +\/new\/ /m);
  assert.match(output, /^content +upstream +back:8000/m);
  assert.match(output, /^respond +add_header +x-a$/m);
  assert.match(output, /^respond +compress +br, gzip$/m);
  assert.match(output, /^GET \/new\/a\?b HTTP\/1\.1$/m);
});

Deno.test("explain shows a redirect of rewrite as an answer of that phase", async () => {
  const output = await explained("/gone/a");
  assert.match(output, /^rewrite +answer +301$/m);
  assert.match(output, /^location: .*\/new\/a$/m);
});

Deno.test("explain shows the page that takes an answer's place", async () => {
  const output = await explained("/closed/a");
  assert.match(output, /^access +access +denied +by "deny all" /m);
  assert.match(output, /^respond +error_page +\/no\.html$/m);
  assert.match(await explained("/no.html"), /^route +answer +404$/m);
});
