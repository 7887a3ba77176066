import { deepStrictEqual, strictEqual as equal } from "node:assert/strict";
import { ask, freePort, toGroup } from "../../support/backends.ts";
import { echoClient, echoUpstream } from "../../support/echo.ts";
import { startProxy } from "../../support/proxy.ts";
import { acting, closes, firstTo, garbage, hangs, status } from "./acting.ts";

Deno.test("a GET goes on to the next server after each failure that is named", async () => {
  const refused = { port: freePort() };
  await using closing = acting(closes);
  await using hanging = acting(hangs);
  await using lying = acting(garbage);
  const cases: [string, { port: number }, string, string][] = [
    ["error timeout", refused, "200 good", "refused"],
    ["error timeout", closing, "200 good", "closed"],
    ["error timeout", hanging, "200 good", "silent"],
    ["error timeout", lying, "502 <!doctype", "garbage, not named"],
    ["invalid_header", lying, "200 good", "garbage"],
    ["timeout", refused, "502 <!doctype", "refused, not named"],
    ["error", hanging, "504 <!doctype", "silent, not named"],
    ["off", closing, "502 <!doctype", "closed, off"],
    ["off", refused, "502 <!doctype", "refused, off"],
  ];
  for (const [next, bad, expected, what] of cases) {
    const { answer } = await firstTo(bad, { proxy_next_upstream: next }, {
      headers: { accept: "text/html" },
    });
    equal(answer.toLowerCase(), expected, what);
  }
});

Deno.test("a GET goes on after a status that is named, and no other", async () => {
  for (const code of [403, 404, 429, 500, 502, 503, 504]) {
    await using bad = acting(status(code));
    equal((await firstTo(bad)).answer, `${code} bad`);
    const named = { proxy_next_upstream: `http_${code}` };
    equal((await firstTo(bad, named)).answer, "200 good");
    const other = {
      proxy_next_upstream: code === 500 ? "http_502" : "http_500",
    };
    equal((await firstTo(bad, other)).answer, `${code} bad`);
  }
});

Deno.test("the last server's answer stands", async () => {
  await using first = acting(status(500));
  await using second = acting(status(503));
  await using proxy = startProxy({
    ...toGroup([first.port, second.port]),
    proxy_next_upstream: "http_500 http_503",
  });
  equal(await ask(proxy.url), "503 bad");
  deepStrictEqual([first.methods, second.methods], [["GET"], ["GET"]]);
});

Deno.test("a request tries as many servers as it may", async () => {
  for (const tries of [1, 2, 3, 0]) {
    await using a = acting(status(500));
    await using b = acting(status(500));
    await using c = acting(status(500));
    const servers = [a, b, c];
    await using proxy = startProxy({
      ...toGroup(servers.map(({ port }) => port)),
      proxy_next_upstream: "http_500",
      proxy_next_upstream_tries: tries,
    });
    equal(await ask(proxy.url), "500 bad");
    const tried = servers.filter(({ methods }) => methods.length > 0).length;
    equal(tried, tries === 0 ? 3 : tries);
  }
});

Deno.test("a request goes to no other server when its time for that is over", async () => {
  await using slow = acting(async (connection) => {
    await new Promise((resolve) => setTimeout(resolve, 120));
    await status(500)(connection);
  });
  const next = { proxy_next_upstream: "http_500", proxy_read_timeout: "5s" };
  const late = { ...next, proxy_next_upstream_timeout: "50ms" };
  equal((await firstTo(slow, late)).answer, "500 bad");
  const early = { ...next, proxy_next_upstream_timeout: "5s" };
  equal((await firstTo(slow, early)).answer, "200 good");
});

Deno.test("a WebSocket is opened at the next server", async () => {
  await using echo = echoUpstream();
  await using closing = acting(closes);
  await using refusing = acting(status(503));
  for (const bad of [{ port: freePort() }, closing, refusing]) {
    await using proxy = startProxy({
      ...toGroup([bad.port, echo.port]),
      proxy_next_upstream: "error http_503",
    });
    const client = await echoClient(proxy.url);
    equal(await client.echo("over"), "over");
    await client.close();
  }
});
