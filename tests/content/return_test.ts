import { match, ok, strictEqual as equal } from "node:assert/strict";
import { command } from "../support/terminal.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";

const CONFIG = {
  locations: {
    "= /healthz": { return: [200, "ok\n"], access_log: false },
    "= /echo": { return: [201, "$request_method $uri é"] },
    "= /gone": { return: 410 },
    "= /empty": { return: 204 },
    "= /moved": { return: "301 https://$host$request_uri" },
    "= /here": { return: "302 /there?x=1" },
    "= /else": { return: "https://example.com/" },
  },
};

async function asked(target: string, method = "GET", fields = "") {
  await using proxy = startProxy(CONFIG);
  const answer = await rawExchange(
    proxy.port,
    `${method} ${target} HTTP/1.1\r\nhost: site:81\r\n${fields}` +
      "connection: close\r\n\r\n",
  );
  await proxy.log.flush();
  return { answer, lines: proxy.lines };
}

Deno.test("return answers with a text", async () => {
  const { answer, lines } = await asked("/healthz");
  match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  match(answer, /\r\ncontent-type: text\/plain; charset=utf-8\r\n/i);
  ok(answer.endsWith("\r\n\r\nok\n"), answer);
  equal(lines.length, 0);
});

Deno.test("a text may have variables and is sent as UTF-8", async () => {
  const { answer } = await asked("/echo", "POST", "content-length: 0\r\n");
  match(answer, /^HTTP\/1\.1 201 /);
  ok(answer.endsWith("\r\n\r\nPOST /echo \xc3\xa9"), answer);
});

Deno.test("a HEAD has the fields of its GET, and no body", async () => {
  const { answer } = await asked("/healthz", "HEAD");
  match(answer, /\r\ncontent-length: 3\r\n/i);
  ok(answer.endsWith("\r\n\r\n"), answer);
});

Deno.test("a status alone is the proxy's own page for it, or nothing", async () => {
  const { answer, lines } = await asked("/gone");
  match(answer, /^HTTP\/1\.1 410 Gone\r\n/);
  match(answer, /410 Gone/);
  match(lines[0] ?? "", / 410 /);
  const empty = await asked("/empty");
  match(empty.answer, /^HTTP\/1\.1 204 /);
  ok(empty.answer.endsWith("\r\n\r\n"));
  ok(!/content-type/i.test(empty.answer), empty.answer);
});

Deno.test("return redirects, to a URL or with the origin that the client used", async () => {
  const location = async (target: string) =>
    /^location: (.*)\r$/im.exec((await asked(target)).answer)?.[1];
  equal(await location("/moved"), "https://site/moved");
  equal(await location("/here"), "http://site:81/there?x=1");
  equal(await location("/else"), "https://example.com/");
  match((await asked("/else")).answer, /^HTTP\/1\.1 302 /);
});

Deno.test("explain says what a return answers", async () => {
  const config = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(config, JSON.stringify(CONFIG));
    const { output } = await command("explain", "GET", "/here", "-c", config);
    match(output, /^content {2}answer {4}302$/m);
    match(output, /\nlocation: http:\/\/localhost:9000\/there\?x=1\n$/);
    const { output: text } = await command(
      ...["explain", "GET", "/healthz", "-c", config],
    );
    match(text, /\n200 ok\n/);
  } finally {
    await Deno.remove(config);
  }
});
