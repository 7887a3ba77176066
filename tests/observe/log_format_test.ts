/**
 * `log_format` with variables, as nginx has it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { plan, problems } from "../config/config.ts";
import { backend, freePort } from "../support/backends.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { startProxy, type TestProxy } from "../support/proxy.ts";
import { soon } from "../support/soon.ts";

/** The lines so far, when there are so many. */
async function lines(proxy: TestProxy, count: number): Promise<string[]> {
  const written = async () => {
    while (proxy.lines.length < count) {
      await proxy.log.flush();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return proxy.lines;
  };
  return await soon("the lines are written", written());
}

async function ask(url: string, init?: RequestInit): Promise<number> {
  const response = await fetch(url, init);
  await response.bytes();
  return response.status;
}

Deno.test("a line is what the format says, with nginx's names", async () => {
  await using app = backend(
    "app",
    () => new Response("12345", { headers: { "x-answer": "42" } }),
  );
  await using proxy = startProxy({
    log_format: "$remote_addr|$request|$status|$body_bytes_sent|$http_x_this|" +
      "$cookie_a|$upstream_addr|$upstream_status|$upstream_http_x_answer|" +
      "$server_name|$host|$uri|$args|$$|${request_method}x|$http_none",
    server_name: "one.example",
    locations: { "/": `http://${app.address}` },
  });
  const headers = { "x-this": 'a "b" \\ é', cookie: "a=1" };
  await ask(`${proxy.url}/x%20y?q=1`, { headers });
  assert.deepEqual(await lines(proxy, 1), [
    [
      "127.0.0.1|GET /x%20y?q=1 HTTP/1.1|200|5",
      "a \\x22b\\x22 \\x5C \\xC3\\xA9",
      `1|${app.address}|200|42|one.example|127.0.0.1|/x y|q=1|$|GETx|-`,
    ].join("|"),
  ]);
});

Deno.test("times are seconds with three digits: of the request, and of each server that was asked", async () => {
  const wait = 30;
  await using app = backend("app", async () => {
    await new Promise((resolve) => setTimeout(resolve, wait));
    return new Response("late");
  });
  const dead = `127.0.0.1:${freePort()}`;
  await using proxy = startProxy({
    upstreams: { group: [dead, app.address] },
    log_format: "$upstream_addr|$upstream_status|$upstream_response_time|" +
      "$upstream_header_time|$request_time|$msec|$time_iso8601|$time_local",
    locations: { "/": "http://group", "= /own": { return: 204 } },
  });
  await ask(proxy.url);
  await ask(`${proxy.url}/own`);
  const [one, own] = await lines(proxy, 2);
  const [addr, status, time, head, all, msec, iso, local] = one!.split("|");
  assert.equal(addr, `${dead}, ${app.address}`);
  assert.equal(status, "502, 200");
  const [, failed, last] = /^(\d+\.\d{3}), (\d+\.\d{3})$/.exec(time!) ?? [];
  assert.ok(Number(failed) < 5 && Number(last) >= wait / 1000 * 0.9, `${time}`);
  assert.match(head!, /^-, \d+\.\d{3}$/);
  assert.match(all!, /^\d+\.\d{3}$/);
  assert.ok(Number(all) >= Number(last));
  assert.ok(Math.abs(Number(msec) - Date.now() / 1000) < 60);
  assert.match(iso!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
  assert.match(local!, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
  assert.match(own!, /^-\|-\|-\|-\|\d/);
});

Deno.test("bytes_sent is the body and its head as it went over the wire", async () => {
  await using proxy = startProxy({
    log_format: "$bytes_sent $body_bytes_sent",
    locations: { "/": { return: "200 hello" } },
  });
  using conn = await Deno.connect({
    hostname: "127.0.0.1",
    port: proxy.port,
  });
  const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  await conn.write(new TextEncoder().encode(request));
  const answer = await new Response(conn.readable).bytes();
  const [line] = await lines(proxy, 1);
  assert.equal(line!.split(" ")[1], "5");
  // Deno adds a field to a connection that it closes.
  const added = "connection: close\r\n".length;
  const sent = Number(line!.split(" ")[0]);
  assert.ok([sent, sent + added].includes(answer.length), `${line}`);
});

Deno.test("with escape=json no value breaks the JSON", async () => {
  await using proxy = startProxy({
    log_format:
      'escape=json {"agent":"$http_user_agent","none":"$http_none","status":$status}',
    locations: { "/": { return: 204 } },
  });
  const headers = { "user-agent": '"\\\t{}' };
  await ask(proxy.url, { headers });
  const [line] = await lines(proxy, 1);
  assert.deepEqual(JSON.parse(line!), {
    agent: '"\\\t{}',
    none: "",
    status: 204,
  });
});

Deno.test("no client can forge a line", async () => {
  for (const escape of ["", "escape=none ", "escape=json "]) {
    await using proxy = startProxy({
      log_format: `${escape}$uri`,
      locations: { "/": { return: 204 } },
    });
    await ask(`${proxy.url}/a%0Ab%0D%22`);
    assert.equal((await lines(proxy, 1)).length, 1);
  }
});

Deno.test("a WebSocket has one line, at its end", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy({
    log_format: "$status $uri $body_bytes_sent $request_time $upstream_status",
    locations: { "/": `http://127.0.0.1:${echo.port}` },
  });
  const client = await echoClient(`${proxy.url}/ws`);
  await client.echo("12345");
  await client.close();
  const all = await lines(proxy, 1);
  assert.equal(all.length, 1);
  assert.match(all[0]!, /^101 \/ws 5 \d+\.\d{3} 101$/);
});

Deno.test("a format that can't be meant is refused", () => {
  const refused = (format: string) =>
    problems({
      log_format: format,
      locations: { "/": { return: "204" } },
    });
  assert.deepEqual(refused("$remote_adr"), [
    'config.yaml: log_format: unknown variable "$remote_adr" (did you mean ' +
    '"$remote_addr"?)',
  ]);
  assert.deepEqual(refused("$request_tim"), [
    'config.yaml: log_format: unknown variable "$request_tim" (did you mean ' +
    '"$request_time"?)',
  ]);
  assert.deepEqual(refused("escape=xml $status"), [
    "config.yaml: log_format: escape is one of: default, json, none",
  ]);
  assert.deepEqual(refused("main"), [
    'config.yaml: log_format: expected "combined" or "json", got "main"',
  ]);
  assert.match(refused("$status\n$host").join(), /no line breaks/);
  assert.notEqual(
    typeof plan("log_format: $status\nlocations: {/: {return: '204'}}")
      .logFormat,
    "string",
  );
});
