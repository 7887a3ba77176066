import {
  deepStrictEqual,
  match,
  strictEqual as equal,
} from "node:assert/strict";
import { planFromObject } from "../../lib/config/load.ts";
import type { Field } from "../../lib/exchange/fields.ts";
import { admit } from "../../lib/request/admit.ts";
import { exchangeOf } from "./exchange_fixture.ts";
import { backend } from "../support/backends.ts";
import { RawConnection, rawExchange } from "../support/raw_upstream.ts";
import { startProxy } from "../support/proxy.ts";

const SEEN = {
  "x-is":
    "$remote_addr|$scheme|$host|$realip_remote_addr|$forwarded_host|$http_host",
};

/** What the variables are for a request with these header lines. */
async function seen(lines: string, config: Record<string, unknown> = {}) {
  await using upstream = backend("ok");
  await using proxy = startProxy({
    trusted_proxies: ["127.0.0.0/8"],
    proxy_set_header: SEEN,
    locations: { "/": `http://${upstream.address}` },
    ...config,
  });
  const request =
    `GET / HTTP/1.1\r\nhost: here:9000\r\nconnection: close\r\n${lines}\r\n`;
  const answer = await rawExchange(proxy.port, request);
  return upstream.seen[0]?.headers.get("x-is") ?? answer;
}

const LINES =
  "x-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: https\r\nx-forwarded-host: A.Example:8443\r\n";

Deno.test("a trusted proxy is believed", async () => {
  equal(
    await seen(LINES),
    "192.0.2.1|https|a.example|127.0.0.1|A.Example:8443|here:9000",
  );
  equal(await seen(""), "127.0.0.1|http|here|127.0.0.1|here:9000|here:9000");
});

/** Who a request is taken to be from, where `header` is the `real_ip_header`. */
function believed(header: string, headers: Field[]): (string | null)[] {
  const [listener] = planFromObject({
    trusted_proxies: ["10.0.0.0/8"],
    locations: { "/": "http://upstream:8000" },
  }, { source: "test", env: () => undefined }).listeners;
  listener!.common.realIpHeader = header;
  const exchange = exchangeOf({ headers, remoteAddr: "10.1.1.1" });
  equal(admit(exchange, listener!), null);
  const { remoteAddr, scheme, hostname } = exchange;
  return [remoteAddr, scheme, hostname];
}

Deno.test("a client can't choose which header counts by adding the other", () => {
  const forwarded: Field[] = [
    ["forwarded", 'for="[2001:db8::1]:80";proto=https;host="a.example:8443"'],
  ];
  const xForwarded: Field[] = [
    ["x-forwarded-for", "192.0.2.1"],
    ["x-forwarded-proto", "http"],
    ["x-forwarded-host", "B.Example"],
  ];
  for (const both of [[...forwarded, ...xForwarded], forwarded]) {
    deepStrictEqual(believed("forwarded", both), [
      "2001:db8::1",
      "https",
      "a.example",
    ]);
  }
  for (const both of [[...forwarded, ...xForwarded], xForwarded]) {
    deepStrictEqual(believed("x-forwarded-for", both), [
      "192.0.2.1",
      "http",
      "b.example",
    ]);
  }
  deepStrictEqual(believed("x-forwarded-for", forwarded), [
    "10.1.1.1",
    "http",
    "x",
  ]);
  deepStrictEqual(
    believed("x-real-ip", [...xForwarded, ["x-real-ip", "192.0.2.9"]]),
    ["192.0.2.9", "http", "b.example"],
  );
});

Deno.test("nobody else is believed", async () => {
  const untouched = "127.0.0.1|http|here|127.0.0.1|here:9000|here:9000";
  equal(
    await seen(LINES, { trusted_proxies: ["10.0.0.0/8", "unix"] }),
    untouched,
  );
  equal(await seen(LINES, { trusted_proxies: undefined }), untouched);
});

Deno.test("an invalid forwarded host is not believed", async () => {
  for (const host of ["a/b", "a b", "[::1", "a.example:port"]) {
    match(
      await seen(`x-forwarded-host: ${host}\r\n`),
      /^127.0.0.1\|http\|here\|/,
    );
  }
});

Deno.test("the forwarded host chooses the server", async () => {
  await using upstream = backend("ok");
  const to = (name: string) => ({
    server_name: name,
    listen: "127.0.0.1:0",
    locations: {
      "/": {
        proxy_pass: `http://${upstream.address}`,
        proxy_set_header: { "x-server": name },
      },
    },
  });
  await using proxy = startProxy({
    listen: undefined,
    trusted_proxies: ["127.0.0.1"],
    servers: [to("one.example"), to("two.example")],
  });
  for (
    const [host, lines] of [["two.example", ""], [
      "one.example",
      "x-forwarded-host: two.example\r\n",
    ], ["two.example", "x-forwarded-host: one.example\r\n"]]
  ) {
    await rawExchange(
      proxy.port,
      `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${lines}\r\n`,
    );
  }
  deepStrictEqual(
    upstream.seen.map(({ headers }) => headers.get("x-server")),
    ["two.example", "two.example", "one.example"],
  );
});

Deno.test("redirects lead where the browser is: https, and the forwarded host", async () => {
  const inside = (to: string) =>
    new Response(null, { status: 302, headers: { location: to } });
  await using upstream = backend(
    "app",
    ({ target }) =>
      inside(
        target === "/api/absolute"
          ? `http://${upstream.address}/login/`
          : "/login/",
      ),
  );
  await using proxy = startProxy({
    trusted_proxies: ["127.0.0.1"],
    locations: {
      "/": `http://${upstream.address}`,
      "/slash/": { proxy_pass: `http://${upstream.address}` },
    },
  });
  const location = async (path: string) => {
    const request =
      `GET ${path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n${LINES}\r\n`;
    const answer = await rawExchange(proxy.port, request);
    return /\r\nlocation: (.*)\r\n/i.exec(answer)?.[1];
  };
  equal(await location("/api/absolute"), "https://A.Example:8443/login/");
  match(await location("/slash") ?? "", /^https:\/\/A.Example:8443\/slash\/$/);
});

Deno.test("a peer on a unix socket is trusted if the config says `unix`", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/proxy.sock`;
  try {
    for (
      const [trusted, expected] of [
        ["unix", "192.0.2.1|https|a.example|unix:"],
        ["127.0.0.1", "unix:|http|here|unix:"],
      ]
    ) {
      await using upstream = backend("ok");
      await using _ = startProxy({
        listen: ["127.0.0.1:0", `unix:${path}`],
        trusted_proxies: [trusted],
        proxy_set_header: {
          "x-is": "$remote_addr|$scheme|$host|$realip_remote_addr",
        },
        locations: { "/": `http://${upstream.address}` },
      });
      const connection = new RawConnection(
        await Deno.connect({ transport: "unix", path }),
      );
      await connection.write(
        `GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n${LINES}\r\n`,
      );
      await connection.readToEnd();
      connection.close();
      equal(upstream.seen[0]?.headers.get("x-is"), expected);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
