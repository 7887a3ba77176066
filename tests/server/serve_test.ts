import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import { planFromObject } from "../../lib/config/load.ts";
import { createAccessLog } from "../../lib/observe/access_log.ts";
import { ListenError, startServer } from "../../lib/server/server.ts";
import { startProxy } from "../support/proxy.ts";
import {
  rawClient,
  rawExchange,
  rawUpstream,
} from "../support/raw_upstream.ts";

const SILENT = {
  accessLog: createAccessLog("off", async () => {}),
  errorLog() {},
};

function planOf(config: Record<string, unknown>) {
  return planFromObject(config, { source: "test", env: () => undefined });
}

/** An upstream that answers `ok` when the test says so. */
function holding() {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    begun.resolve();
    await go.promise;
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await connection.readToEnd();
  });
  return { upstream, begun: begun.promise, go: go.resolve };
}

Deno.test("a request in flight is finished at shutdown, and no other is accepted", async () => {
  const { upstream, begun, go } = holding();
  await using _ = upstream;
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  const answer = fetch(proxy.url);
  await begun;
  const ended = proxy.server.shutdown();
  go();
  equal(await (await answer).text(), "ok");
  await ended;
  await proxy.server.finished;
  const refused = await fetch(proxy.url).then(() => false, () => true);
  ok(refused);
});

Deno.test("a shutdown waits no longer than shutdown_timeout", async () => {
  const { upstream, begun, go } = holding();
  await using _ = upstream;
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
    shutdown_timeout: "100ms",
    websocket_drain: "10ms",
  });
  const answer = fetch(proxy.url);
  await begun;
  await proxy.server.shutdown();
  // Here the process would end; in this one the request goes on.
  go();
  equal(await (await answer).text(), "ok");
  await proxy.server.finished;
  await proxy.log.flush();
});

Deno.test("an idle keep-alive connection does not hold the shutdown up", async () => {
  const { upstream, go } = holding();
  await using _ = upstream;
  go();
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  const client = await rawClient(proxy.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await client.readUntil("\r\n\r\nok");
  await proxy.server.shutdown();
  await client.readToEnd();
  client.close();
});

Deno.test("a port that is taken is a ListenError, and no listener stays open", () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const plan = planOf({
    listen: ["127.0.0.1:0", `127.0.0.1:${port}`],
    locations: { "/": "http://127.0.0.1:9001" },
  });
  let failure: unknown;
  try {
    startServer(plan, SILENT);
  } catch (error) {
    failure = error;
  }
  ok(failure instanceof ListenError);
  equal(failure.kind, "in use");
  equal(failure.address, `127.0.0.1:${port}`);
  taken.close();
});

Deno.test("several servers on one address are told apart by host, the first takes the rest", async () => {
  const upstream = rawUpstream(async (connection) => {
    while (true) {
      const head = await connection.readHead();
      const path = head.split(" ")[1]!;
      await connection.write(
        `HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`,
      );
    }
  });
  await using _ = upstream;
  const to = (name: string) => ({
    "/": `http://127.0.0.1:${upstream.port}/${name}/`,
  });
  const plan = planOf({
    servers: [
      { listen: "127.0.0.1:0", server_name: "one.example", locations: to("1") },
      { listen: "127.0.0.1:0", server_name: "*.example", locations: to("2") },
    ],
  });
  equal(plan.listeners.length, 1);
  const server = startServer(plan, SILENT);
  const port = Number(new URL(server.addresses[0]!.url).port);
  const ask = async (host: string) => {
    const answer = await rawExchange(
      port,
      `GET /x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
    );
    return answer.slice(answer.indexOf("\r\n\r\n") + 4);
  };
  deepStrictEqual(
    [
      await ask("one.example"),
      await ask("ONE.example:80"),
      await ask("two.example"),
      await ask("elsewhere"),
    ],
    ["/1/x", "/1/x", "/2/x", "/1/x"],
  );
  server.abort();
  await server.finished;
});

Deno.test("a request without Host, as HTTP/1.0 allows, takes the first server and its name", async () => {
  let head = "";
  const upstream = rawUpstream(async (connection) => {
    head = await connection.readHead();
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  await using _ = upstream;
  await using proxy = startProxy({
    server_name: "first.example",
    proxy_set_header: { Host: "$host" },
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  ok(
    (await rawExchange(proxy.port, "GET / HTTP/1.0\r\n\r\n")).includes(" 200 "),
  );
  ok(/^host: first\.example\r$/m.test(head), head);
});

Deno.test("a target in absolute form wins over the Host header", async () => {
  let head = "";
  const upstream = rawUpstream(async (connection) => {
    head = await connection.readHead();
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  await using _ = upstream;
  await using proxy = startProxy({
    proxy_set_header: { Host: "$host" },
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  await rawExchange(
    proxy.port,
    "GET http://Real.example:81/a?b HTTP/1.1\r\nhost: other\r\nconnection: close\r\n\r\n",
  );
  ok(head.startsWith("GET /a?b HTTP/1.1\r\n"), head);
  ok(/^host: real\.example\r$/m.test(head), head);
});

Deno.test("a location that ends in a slash redirects the path without it", async () => {
  await using proxy = startProxy({
    locations: { "/user/": "http://127.0.0.1:9001" },
  });
  const answer = await rawExchange(
    proxy.port,
    "GET /user?a=b HTTP/1.1\r\nhost: x:9000\r\nconnection: close\r\n\r\n",
  );
  ok(answer.startsWith("HTTP/1.1 301 "), answer);
  ok(/^location: http:\/\/x:9000\/user\/\?a=b\r$/m.test(answer), answer);
});

Deno.test("raw UTF-8 in the query of a redirect stays as it came", async () => {
  await using proxy = startProxy({
    locations: { "/user/": "http://127.0.0.1:9001" },
  });
  const answer = await rawExchange(
    proxy.port,
    "GET /user?\xe2\x82\xac HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  ok(answer.startsWith("HTTP/1.1 301 "), answer);
  ok(answer.includes("/user/?\xe2\x82\xac\r\n"), answer);
});

Deno.test("every request is logged once, with its status and size", async () => {
  const upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(
      "HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok",
    );
  });
  const proxy = startProxy({
    locations: { "/a": `http://127.0.0.1:${upstream.port}` },
  });
  await (await fetch(proxy.url + "/a")).text();
  await (await fetch(proxy.url + "/b")).text();
  await proxy[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  equal(proxy.lines.length, 2, proxy.lines.join("\n"));
  ok(proxy.lines[0]!.includes('"GET /a HTTP/1.1" 201 2 '), proxy.lines[0]!);
  ok(proxy.lines[1]!.includes('"GET /b HTTP/1.1" 404 '), proxy.lines[1]!);
});
