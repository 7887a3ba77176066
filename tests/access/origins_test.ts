/**
 * `websocket_origins`: whose pages may open a WebSocket.
 *
 * @module
 */
import { match, strictEqual as equal } from "node:assert/strict";
import { isAllowed } from "../../lib/access/origins.ts";
import { parseOrigin } from "../../lib/route/origin.ts";
import { locate, plan } from "../config/config.ts";
import { echoUpstream } from "../support/echo.ts";
import { startProxy } from "../support/proxy.ts";
import { rawClient } from "../support/raw_upstream.ts";

function allowed(
  websocket_origins: unknown,
  origin: string,
  authority: string | null,
  scheme: "http" | "https" = "http",
): boolean {
  const read = plan(JSON.stringify({
    ...websocket_origins === undefined ? {} : { websocket_origins },
    locations: { "/": "http://a:80" },
  }));
  const { settings } = locate(read, "/");
  return isAllowed(origin, settings.websocket_origins, { authority, scheme });
}

Deno.test("by default pages of the same host and port may, whatever the scheme", () => {
  const may: [origin: string, host: string][] = [
    ["http://localhost:9000", "localhost:9000"],
    ["http://LOCALHOST:9000", "localhost:9000"],
    ["http://example.com", "example.com"],
    ["http://example.com", "Example.com:80"],
    ["http://[::1]:9000", "[::1]:9000"],
    // TLS ends in front, and nobody says so.
    ["https://example.com", "example.com"],
    ["https://example.com", "example.com:443"],
    ["https://example.com:8443", "example.com:8443"],
  ];
  for (const [origin, host] of may) {
    equal(allowed(undefined, origin, host), true, `${origin} ${host}`);
  }
  const mayNot: [origin: string, host: string | null][] = [
    ["http://evil.example", "example.com"],
    ["http://example.com.evil.example", "example.com"],
    ["http://evilexample.com", "example.com"],
    ["http://a.example.com", "example.com"],
    ["http://example.com", "a.example.com"],
    ["http://localhost:5173", "localhost:9000"],
    ["http://localhost", "localhost:9000"],
    ["http://example.com:9000", "example.com"],
    ["https://example.com", "example.com:80"],
    ["http://example.com", null],
    ["ftp://example.com", "example.com"],
    ["capacitor://example.com", "example.com"],
    ["null", "example.com"],
    ["", "example.com"],
    ["example.com", "example.com"],
    ["http://example.com/", "example.com"],
    ["http://user@example.com", "example.com"],
    ["http://example.com, http://evil.example", "example.com"],
  ];
  for (const [origin, host] of mayNot) {
    equal(allowed(undefined, origin, host), false, `${origin} ${host}`);
  }
});

Deno.test("a page of http may not open an encrypted one", () => {
  equal(
    allowed(undefined, "https://example.com", "example.com", "https"),
    true,
  );
  equal(
    allowed(undefined, "http://example.com", "example.com", "https"),
    false,
  );
});

Deno.test("a list says who else may", () => {
  const list = [
    "https://app.example",
    "https://*.example.org",
    "http://localhost:5173",
    "capacitor://localhost",
    "null",
  ];
  const cases: [origin: string, may: boolean][] = [
    ["https://app.example", true],
    ["https://APP.example:443", true],
    ["http://app.example", false],
    ["https://app.example:8443", false],
    ["https://x.app.example", false],
    ["https://a.example.org", true],
    ["https://a.b.example.org", true],
    ["https://example.org", false],
    ["https://evilexample.org", false],
    ["http://a.example.org", false],
    ["http://localhost:5173", true],
    ["capacitor://localhost", true],
    ["null", true],
    // Not without "self".
    ["http://host", false],
  ];
  for (const [origin, may] of cases) {
    equal(allowed(list, origin, "host"), may, origin);
  }
  equal(allowed(["self", "https://app.example"], "http://host", "host"), true);
  equal(allowed("any", "https://anywhere", "host"), true);
  equal(allowed("any", "null", "host"), true);
});

Deno.test("an origin is read as RFC 6454 writes it", () => {
  const read = (text: string) => {
    const origin = parseOrigin(text);
    return origin && `${origin.scheme}|${origin.host}|${origin.port}`;
  };
  equal(read("https://Example.com"), "https|example.com|443");
  equal(read("http://[::1]:8080"), "http|[::1]|8080");
  equal(read("capacitor://localhost"), "capacitor|localhost|");
  for (const text of ["", "null", "https://", "https:/a", "https://a/b", "a"]) {
    equal(read(text), null, text);
  }
});

/** The head of the answer to a handshake with these fields. */
async function handshake(port: number, ...fields: string[]): Promise<string> {
  const client = await rawClient(port);
  await client.write(
    [
      "GET /ws HTTP/1.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      ...fields,
      "",
      "",
    ].join("\r\n"),
  );
  const head = await client.readHead();
  client.close();
  return head;
}

Deno.test("the handshake of a foreign page is a 403, and it is told what to set", async () => {
  await using echo = echoUpstream();
  const to = `http://127.0.0.1:${echo.port}`;
  await using proxy = startProxy({
    dev: true,
    locations: {
      "/": to,
      "/any": { proxy_pass: to, websocket_origins: "any" },
    },
  });
  const { port } = proxy;
  match(await handshake(port, "Host: x:1", "Origin: http://x:1"), / 101 /);
  match(await handshake(port, "Host: x:1"), / 101 /);
  match(
    await handshake(port, "Host: x:1", "Origin: https://evil.example"),
    / 403 /,
  );
  match(
    proxy.errors[0] ?? "",
    /^403 \/: a page of https:\/\/evil\.example asked for a WebSocket of x:1, .*write websocket_origins: \[self, "https:\/\/evil\.example"\]/,
  );
  // Only WebSockets: others have CORS.
  const answer = await fetch(proxy.url, {
    headers: { origin: "https://evil.example" },
  });
  equal(answer.status, 200);
  await answer.text();
  // Not a line for each.
  await handshake(port, "Host: x:1", "Origin: https://evil.example");
  equal(proxy.errors.length, 1);
});

Deno.test("behind a proxy that is not trusted it is told whom to trust", async () => {
  await using echo = echoUpstream();
  const locations = { "/": `http://127.0.0.1:${echo.port}` };
  const fields = [
    "Host: internal:9000",
    "X-Forwarded-Host: site.example",
    "X-Forwarded-Proto: https",
    "Origin: https://site.example",
  ];
  await using proxy = startProxy({ locations });
  match(await handshake(proxy.port, ...fields), / 403 /);
  match(
    proxy.errors[0] ?? "",
    /says that it is for site\.example, but is not believed \(write trusted_proxies: "127\.0\.0\.1"\)/,
  );
  await using trusting = startProxy({
    locations,
    trusted_proxies: "127.0.0.1",
  });
  match(await handshake(trusting.port, ...fields), / 101 /);
  match(
    await handshake(
      trusting.port,
      ...fields.slice(0, 3),
      "Origin: http://site.example",
    ),
    / 403 /,
  );
});
