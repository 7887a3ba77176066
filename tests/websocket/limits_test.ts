import {
  deepStrictEqual,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert/strict";
import { toGroup } from "../support/backends.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { startProxy } from "../support/proxy.ts";

Deno.test("a message larger than websocket_max_message_size closes with 1009", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy({
    ...toGroup([echo.port]),
    websocket_max_message_size: 1000,
  });
  for (const passes of ["x".repeat(1000), "€".repeat(333)]) {
    const client = await echoClient(proxy.url);
    equal(await client.echo(passes), passes);
    await client.close();
    const longer = await echoClient(proxy.url);
    await rejects(longer.echo(passes + "ab"), /closed with 1009/);
  }
});

Deno.test("an upstream whose message is larger gets 1009, its client 1011", async () => {
  const told = Promise.withResolvers<number>();
  const kill = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: kill.signal, onListen() {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = () => socket.send("x".repeat(1001));
      socket.onclose = ({ code }) => told.resolve(code);
      return response;
    },
  );
  await using proxy = startProxy({
    ...toGroup([server.addr.port]),
    websocket_max_message_size: 1000,
  });
  const client = await echoClient(proxy.url);
  await rejects(client.echo("more"), /closed with 1011/);
  equal(await told.promise, 1009);
  kill.abort();
  await server.finished;
});

Deno.test("a client faster than websocket_message_rate is closed with 1008, a slower one is not", async () => {
  await using echo = echoUpstream();
  await using proxy = startProxy({
    ...toGroup([echo.port]),
    websocket_message_rate: "20/s",
  });
  const fast = await echoClient(proxy.url);
  const answers = await Promise.allSettled(
    Array.from({ length: 40 }, (_, i) => fast.echo(String(i))),
  );
  const { code, reason } = await fast.closed;
  deepStrictEqual([code, reason], [1008, "too many messages"]);
  ok(answers.some(({ status }) => status === "rejected"));
  // Those within the rate were sent on before.
  const logged = /closed 1008 by proxy .* from client 2\d messages/;
  while (!proxy.lines.some((line) => logged.test(line))) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await proxy.log.flush();
  }
  const slow = await echoClient(proxy.url);
  for (let i = 0; i < 5; i++) {
    equal(await slow.echo("x"), "x");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await slow.close();
});
