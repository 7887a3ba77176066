/**
 * Listening with TLS.
 *
 * @module
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { ListenError } from "../../lib/server/server.ts";
import { backend, toGroup } from "../support/backends.ts";
import {
  certificateFolder,
  testAuthority,
  type TestCertificate,
} from "../support/certificates.ts";
import { echoUpstream } from "../support/echo.ts";
import { freePort } from "../support/free_port.ts";
import { startProxy } from "../support/proxy.ts";
import { rawClient, rawExchange } from "../support/raw_upstream.ts";
import { soon } from "../support/soon.ts";
import { rawTlsClient, servedSerial, trusting } from "../support/tls_client.ts";

const authority = await testAuthority();
const folder = certificateFolder();
Deno.test.afterAll(() => folder[Symbol.dispose]());

const files = folder.install("site", await authority.certify());

const start = (config: Record<string, unknown>) =>
  startProxy({ listen: "127.0.0.1:0 ssl", ...files, ...config });

const VARIABLES = {
  locations: { "/": { return: [200, "$scheme $https $server_port $host"] } },
};

Deno.test("HTTP/2 and HTTP/1.1 are served, whichever the client asks for", async () => {
  await using proxy = start(VARIABLES);
  assert.match(proxy.url, /^https:/);
  const expected = `https on ${proxy.port} 127.0.0.1`;
  for (const http2 of [true, false]) {
    using client = trusting(authority, http2);
    const response = await fetch(proxy.url, { client });
    assert.equal(await response.text(), expected);
  }
  const raw = await rawTlsClient(proxy.port, authority);
  await raw.write("GET /a HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
  await raw.readHead();
  assert.equal(await raw.readExactly(expected.length), expected);
  raw.close();
  const h2 = await rawTlsClient(proxy.port, authority, ["h2"]);
  const { alpnProtocol } = await (h2.conn as Deno.TlsConn).handshake();
  assert.equal(alpnProtocol, "h2");
  h2.close();
});

Deno.test("the upstream and redirects hear of https, and a client can't deny it", async () => {
  await using upstream = backend(
    "app",
    ({ target }) =>
      target === "/moved"
        ? new Response(null, {
          status: 302,
          headers: { location: `http://group/there` },
        })
        : new Response("app"),
  );
  await using proxy = start({
    ...toGroup([upstream]),
    proxy_set_header: {
      Proto: "$scheme",
      X: "$https$server_port",
    },
  });
  using client = trusting(authority, false);
  const response = await fetch(`${proxy.url}/moved`, {
    client,
    redirect: "manual",
    headers: { "x-forwarded-proto": "http" },
  });
  await response.body?.cancel();
  const location = response.headers.get("location");
  assert.equal(location, `${proxy.url}/there`);
  const { headers } = upstream.seen[0]!;
  assert.equal(headers.get("proto"), "https");
  assert.equal(headers.get("x"), `on${proxy.port}`);

  // An absolute target says what it likes (RFC 9112 section 3.2.2).
  const raw = await rawTlsClient(proxy.port, authority);
  for (const target of ["http://x/plain", "https://x/tls"]) {
    await raw.write(`GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`);
    assert.match(await raw.readHead(), /^HTTP\/1.1 200 /);
    await raw.readExactly("app".length);
  }
  raw.close();
  const seen = upstream.seen.slice(1)
    .map(({ target, headers }) => [target, headers.get("proto")]);
  assert.deepEqual(seen, [["/plain", "https"], ["/tls", "https"]]);
});

Deno.test("a trusted proxy behind which it stands says what the client speaks", async () => {
  await using proxy = start({ ...VARIABLES, trusted_proxies: "127.0.0.1" });
  using client = trusting(authority);
  const response = await fetch(proxy.url, {
    client,
    headers: { "x-forwarded-proto": "http" },
  });
  assert.match(await response.text(), /^http {2}\d/);
});

Deno.test("a WebSocket goes over TLS", async () => {
  await using echo = echoUpstream();
  await using proxy = start({
    locations: { "/": `http://127.0.0.1:${echo.port}` },
  });
  using client = trusting(authority);
  const socket = new WebSocket(proxy.url.replace(/^https/, "wss"), { client });
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const answer = new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(data);
  });
  socket.send("over TLS");
  assert.equal(await answer, "over TLS");
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
});

Deno.test("Strict-Transport-Security is on every response over HTTPS, and on none over HTTP", async () => {
  await using echo = echoUpstream();
  const value = "max-age=300";
  const plain = freePort();
  await using proxy = start({
    locations: {
      "/echo": `http://127.0.0.1:${echo.port}`,
      "/gone": `http://127.0.0.1:${freePort()}`,
      "/text": { return: [200, "x"] },
    },
    strict_transport_security: value,
    redirect_to_https: `127.0.0.1:${plain}`,
  });
  using client = trusting(authority);
  const header = async (url: string) => {
    const response = await fetch(url, { client, redirect: "manual" });
    await response.body?.cancel();
    return [
      response.status,
      response.headers.get("strict-transport-security"),
    ];
  };
  assert.deepEqual(await header(`${proxy.url}/echo`), [200, value]);
  assert.deepEqual(await header(`${proxy.url}/text`), [200, value]);
  assert.deepEqual(await header(`${proxy.url}/gone`), [502, value]);
  assert.deepEqual(await header(`${proxy.url}/nowhere`), [404, value]);
  assert.deepEqual(await header(`http://127.0.0.1:${plain}/`), [308, null]);
});

Deno.test("HTTP is redirected to HTTPS, target and all, whatever the method and the body", async () => {
  const [http, https] = [freePort(), freePort()];
  await using _proxy = startProxy({
    listen: `127.0.0.1:${https} ssl`,
    ...files,
    locations: { "/": { return: [200, "https"] } },
    client_max_body_size: 1,
    redirect_to_https: `127.0.0.1:${http}`,
  });
  const location = async (head: string, body = "") => {
    const answer = await rawExchange(
      http,
      `${head}\r\nconnection: close\r\n\r\n${body}`,
    );
    const [, status, location] =
      /^HTTP\/1.1 (\d+)[^]*?\r\n(?:location: (.*?)\r\n|\r\n)/.exec(answer) ??
        [];
    return `${status} ${location}`;
  };
  assert.equal(
    await location(
      `GET //a/../%2f?b=c&d HTTP/1.1\r\nhost: EXAMPLE.com:${http}`,
    ),
    `308 https://example.com:${https}//a/../%2f?b=c&d`,
  );
  assert.equal(
    await location(
      "POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 5",
      "12345",
    ),
    `308 https://a:${https}/upload`,
  );
  assert.equal(
    await location("GET / HTTP/1.1\r\nhost: a/b"),
    "400 undefined",
  );
});

Deno.test("the port of HTTPS is left out of redirects where it is 443, or published so", async () => {
  const { redirectServer } = await import(
    "../../lib/config/https_redirect.ts"
  );
  const { readListen } = await import("../../lib/config/directives/listen.ts");
  const { requestContext } = await import("../config/config.ts");
  const location = (port: number | null, listen: string) => {
    const { locations } = redirectServer(
      "x",
      { listen: readListen(80), port },
      [readListen(81), readListen(listen)],
      {} as Parameters<typeof redirectServer>[3],
      null,
    );
    const content = locations.entries[0]?.value.content;
    assert(content?.kind === "redirect");
    return content.location(requestContext({ requestUri: "/y" }));
  };
  assert.equal(location(null, "443 ssl"), "https://example.com/y");
  assert.equal(location(null, "8443 ssl"), "https://example.com:8443/y");
  assert.equal(location(443, "8443 ssl"), "https://example.com/y");
});

Deno.test("clients that speak no TLS, or break it off, hurt nobody else", async () => {
  await using proxy = start(VARIABLES);
  using client = trusting(authority);
  assert.match(await (await fetch(proxy.url, { client })).text(), /^https/);
  for (
    const bytes of [
      "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
      "\x16\x03\x01\x00\x05hello",
      "\x00".repeat(100),
      "\x16\x03\x01\xff\xff" + "x".repeat(70_000),
    ]
  ) {
    const answer = await rawExchange(proxy.port, bytes);
    // An alert (RFC 8446 section 6), or nothing.
    assert(answer === "" || answer.startsWith("\x15\x03"), answer);
  }
  const silent = await rawClient(proxy.port);
  const half = await rawClient(proxy.port);
  await half.write("\x16\x03\x01");
  half.close();
  // Whoever does not trust the certificate leaves with an alert.
  await assert.rejects(fetch(proxy.url));
  assert.match(await (await fetch(proxy.url, { client })).text(), /^https/);
  silent.close();
  assert.deepEqual(proxy.errors, []);
});

Deno.test("a client that never finishes its handshake does not keep the proxy from ending", async () => {
  const proxy = start(VARIABLES);
  const silent = await rawClient(proxy.port);
  const half = await rawClient(proxy.port);
  await half.write("\x16\x03\x01");
  // Deno never ends a server with a connection in HTTP/2 without a request.
  const idle = await rawTlsClient(proxy.port, authority, ["h2"]);
  await soon("it has ended", proxy.server.shutdown());
  await soon("it has finished", proxy.server.finished);
  for (const connection of [silent, half, idle]) connection.close();
});

Deno.test("what is in flight is answered whole before the proxy ends", async () => {
  const go = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using upstream = backend("slow", async () => {
    begun.resolve();
    await go.promise;
    return new Response("x".repeat(1_000_000));
  });
  const proxy = start(toGroup([upstream]));
  const silent = await rawClient(proxy.port);
  using client = trusting(authority);
  const answer = fetch(proxy.url, { client }).then((it) => it.text());
  await begun.promise;
  const ended = proxy.server.shutdown();
  // Longer than it waits for quiet.
  await new Promise((resolve) => setTimeout(resolve, 800));
  go.resolve();
  assert.equal((await answer).length, 1_000_000);
  await soon("it has ended", ended);
  silent.close();
});

Deno.test("an address that another program has is not shared with it", async () => {
  await using first = start(VARIABLES);
  const listen = `127.0.0.1:${first.port} ssl`;
  assert.throws(
    () => start({ ...VARIABLES, listen }),
    (error) => error instanceof ListenError && error.kind === "in use",
  );
});

Deno.test("the whole chain is sent", async () => {
  const { certificate, key } = await authority.certify();
  const chain: TestCertificate = {
    certificate: certificate + authority.pem,
    key,
  };
  await using proxy = start({
    ...VARIABLES,
    ...folder.install("chain", chain),
  });
  assert.equal(
    await servedSerial(proxy.port),
    new X509Certificate(certificate).serialNumber,
  );
  const { connect } = await import("node:tls");
  const socket = connect({
    host: "127.0.0.1",
    port: proxy.port,
    rejectUnauthorized: false,
  });
  const issuer = await new Promise<string | undefined>((resolve) => {
    socket.once("secureConnect", () => {
      const { issuerCertificate } = socket.getPeerCertificate(true);
      socket.once("close", () => resolve(issuerCertificate?.serialNumber));
      socket.destroy();
    });
  });
  assert.equal(issuer, new X509Certificate(authority.pem).serialNumber);
});
