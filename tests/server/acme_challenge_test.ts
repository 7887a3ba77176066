/**
 * The answers to challenges, on the address of `redirect_to_https`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { putPlaceholders } from "../../lib/acme/placeholder.ts";
import { planFromObject } from "../../lib/config/load.ts";
import { freePort } from "../support/free_port.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";

Deno.test("a challenge is answered, and nothing else of the disk", async () => {
  const dir = await Deno.makeTempDir();
  const http = freePort();
  const config = {
    listen: "127.0.0.1:0 ssl",
    server_name: "shop.example",
    state_dir: dir,
    redirect_to_https: `127.0.0.1:${http}`,
    ssl_certificate: { acme: {} },
    locations: { "/": { return: 200 } },
  };
  const { acme } = planFromObject(config, {
    source: "test",
    env: () => undefined,
  });
  await putPlaceholders(acme);
  {
    await using _proxy = startProxy(config);
    await Deno.mkdir(`${dir}/challenges`);
    await Deno.writeTextFile(`${dir}/challenges/to-ken_1`, "to-ken_1.answer");
    await Deno.writeTextFile(`${dir}/secret`, "secret");
    await Deno.writeTextFile(`${dir}/challenges/x.pem`, "secret");
    const ask = (target: string, method = "GET") =>
      rawExchange(
        http,
        `${method} ${target} HTTP/1.1\r\nhost: shop.example\r\n` +
          "connection: close\r\n\r\n",
      );
    const at = "/.well-known/acme-challenge/";
    const answer = await ask(`${at}to-ken_1`);
    assert.match(answer, /^HTTP\/1\.1 200 [^]+\r\n\r\nto-ken_1\.answer$/);
    assert.match(await ask(`${at}to-ken_1`, "HEAD"), /^HTTP\/1\.1 200 /);
    for (
      const token of [
        "",
        "other",
        "x.pem",
        "..%2fsecret",
        "%2e%2e/secret",
        "..%2f..%2f..%2f..%2fetc%2fpasswd",
        "to-ken_1/",
        "to-ken_1%00",
        "a".repeat(300),
      ]
    ) {
      const answer = await ask(at + token);
      assert.match(answer, /^HTTP\/1\.1 (400|404|308) /, token);
      assert(!answer.includes("secret\n") && !answer.endsWith("secret"), token);
    }
    const [first] = (await ask("/shop?a")).split("\r\n");
    assert.match(first!, /^HTTP\/1\.1 308 /);
  }
  await Deno.remove(dir, { recursive: true });
});
