import { deepStrictEqual, match, ok } from "node:assert/strict";
import { toGroup } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";
import { rawClient, rawUpstream } from "../support/raw_upstream.ts";
import { acceptance, handshake } from "./wire.ts";

Deno.test("a 101 keeps the upstream's fields, and has the proxy's own", async () => {
  const script = rawUpstream(async (connection) => {
    const head = await connection.readHead();
    await connection.write(
      await acceptance(head, [
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
        "X-Server: one",
        "X-Private: 1",
        "Connection: X-Private",
      ]),
    );
    await connection.readToEnd();
  });
  await using upstream = script;
  await using proxy = startProxy(
    toGroup([upstream.port], { sticky: "route" }),
  );
  const client = await rawClient(proxy.port);
  await client.write(
    handshake(proxy.port).replace("\r\n\r\n", "\r\nX-Request-ID: id-7\r\n\r\n"),
  );
  const head = await client.readHead();
  client.close();
  match(head, /^HTTP\/1\.1 101 /);
  const cookies = [...head.matchAll(/^set-cookie: (.*)\r$/gim)]
    .map(([, cookie]) => cookie);
  deepStrictEqual(cookies.slice(0, 2), ["a=1", "b=2"]);
  match(cookies[2] ?? "", /^route=[0-9a-f]{16}; Path=\//);
  match(head, /^x-server: one\r$/im);
  match(head, /^x-request-id: id-7\r$/im);
  ok(!/x-private/i.test(head), head);
});
