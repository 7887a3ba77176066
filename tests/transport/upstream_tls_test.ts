import assert from "node:assert/strict";
import { once } from "node:events";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { startSameorigin, urlOf } from "../support/process.ts";
import { startProxy } from "../support/proxy.ts";
import { rawExchange } from "../support/raw_upstream.ts";

const folder = new URL("../support/tls/upstream/", import.meta.url);
const path = (name: string) => fileURLToPath(new URL(name, folder));
const pem = (name: string) => Deno.readTextFileSync(path(name));

/** What a server saw of a connection. */
interface Seen {
  name: string | null;
  client: string | null;
  method: string;
  length: number;
}

/** A server that tells what it sees, and echoes over WebSockets. */
async function tellingServer(certificate = "server", at?: { path: string }) {
  const server = https.createServer({
    cert: pem(`${certificate}.crt`),
    key: pem(`${certificate}.key`),
    ca: pem("ca.crt"),
    requestCert: true,
    rejectUnauthorized: false,
  }, (request, response) => {
    const socket = request.socket as TLSSocket;
    let length = 0;
    request.on("data", (bytes) => length += bytes.length);
    request.on("end", () => {
      const seen: Seen = {
        name: (socket as { servername?: string }).servername || null,
        client: socket.authorized
          ? String(socket.getPeerCertificate().subject?.CN)
          : null,
        method: String(request.method),
        length,
      };
      response.end(JSON.stringify(seen));
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(`back ${data}`));
  });
  if (at === undefined) server.listen(0, "127.0.0.1");
  else server.listen(at.path);
  await once(server, "listening");
  return {
    port: at === undefined ? (server.address() as AddressInfo).port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const TRUSTED = { proxy_ssl_trusted_certificate: path("ca.crt") };
const NAMED = { ...TRUSTED, proxy_ssl_name: "backend.internal" };
const CLIENT = {
  proxy_ssl_certificate: path("client.crt"),
  proxy_ssl_certificate_key: path("client.key"),
};

/** What an upstream sees of a request, or the status of the proxy's own answer. */
async function asked(
  settings: Record<string, unknown>,
  { certificate, body }: { certificate?: string; body?: string } = {},
): Promise<Seen | number> {
  await using server = await tellingServer(certificate);
  await using proxy = startProxy({
    ...settings,
    locations: { "/": `https://127.0.0.1:${server.port}` },
  });
  const response = await fetch(
    proxy.url,
    body === undefined ? {} : { method: "POST", body },
  );
  const text = await response.text();
  return response.ok ? JSON.parse(text) : response.status;
}

Deno.test("a server whose certificate nobody vouches for is a 502, and the reason told", async () => {
  assert.equal(await asked({}), 502);
  await using server = await tellingServer();
  await using proxy = startProxy({
    dev: true,
    locations: { "/": `https://127.0.0.1:${server.port}` },
  });
  const response = await fetch(proxy.url);
  assert.match(await response.text(), /the TLS handshake failed/);
});

Deno.test("an authority of the config is trusted, and the name still verified", async () => {
  assert.equal(await asked(TRUSTED), 502);
  assert.deepEqual(await asked(NAMED), {
    name: "backend.internal",
    client: null,
    method: "GET",
    length: 0,
  });
  assert.equal(
    await asked({ ...NAMED, proxy_ssl_name: "other.internal" }),
    502,
  );
});

Deno.test("a server may ask for the proxy's own certificate", async () => {
  assert.deepEqual(await asked({ ...NAMED, ...CLIENT }), {
    name: "backend.internal",
    client: "client",
    method: "GET",
    length: 0,
  });
  assert.equal(await asked({ ...TRUSTED, ...CLIENT }), 502);
});

Deno.test("without verification any certificate does, and no name is asked for at an address", async () => {
  const off = { proxy_ssl_verify: false };
  assert.deepEqual(await asked(off, { certificate: "self" }), {
    name: null,
    client: null,
    method: "GET",
    length: 0,
  });
  assert.deepEqual(
    await asked({ ...off, proxy_ssl_name: "x.internal" }, {
      certificate: "self",
    }),
    { name: "x.internal", client: null, method: "GET", length: 0 },
  );
});

for (
  const [how, settings] of [
    ["with an authority", NAMED],
    ["with a certificate", { ...NAMED, ...CLIENT }],
  ] as const
) {
  Deno.test(`a large body goes whole over TLS ${how}`, async () => {
    const seen = await asked({ ...settings, client_max_body_size: "4m" }, {
      body: "x".repeat(3_000_000),
    });
    assert.equal((seen as Seen).length, 3_000_000);
    assert.equal((seen as Seen).method, "POST");
  });

  Deno.test(`connections are kept, and those that the server closed do no harm, ${how}`, async () => {
    await using server = await tellingServer();
    await using proxy = startProxy({
      ...settings,
      locations: { "/": `https://127.0.0.1:${server.port}` },
    });
    for (let i = 0; i < 5; i++) {
      const response = await fetch(proxy.url);
      assert.equal(response.status, 200);
      await response.json();
    }
  });

  Deno.test(`a WebSocket is bridged over TLS ${how}`, async () => {
    await using server = await tellingServer();
    await using proxy = startProxy({
      ...settings,
      locations: { "/": `https://127.0.0.1:${server.port}` },
    });
    const socket = new WebSocket(proxy.url.replace("http", "ws"));
    await once(socket, "open");
    socket.send("hello");
    const [{ data }] = await once(socket, "message") as [MessageEvent];
    assert.equal(data, "back hello");
    socket.close();
    await once(socket, "close");
  });

  Deno.test(`a client that leaves cancels its request over TLS ${how}`, async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
    const server = https.createServer({
      cert: pem("server.crt"),
      key: pem("server.key"),
    }, (request) => {
      request.socket.on("close", () => leave());
      arrive();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    {
      await using proxy = startProxy({
        ...settings,
        locations: { "/": `https://127.0.0.1:${port}` },
      });
      const abort = new AbortController();
      const asking = fetch(proxy.url, { signal: abort.signal });
      await arrived;
      abort.abort();
      await assert.rejects(asking);
      await gone;
    }
    server.close();
    await once(server, "close");
  });
}

Deno.test("nobody listens there: a 502 over node:tls too", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  await using proxy = startProxy({
    dev: true,
    proxy_ssl_verify: false,
    locations: { "/": `https://127.0.0.1:${port}` },
  });
  const response = await fetch(proxy.url);
  assert.equal(response.status, 502);
  assert.match(await response.text(), /nothing listens there/);
});

Deno.test("a server that never finishes the handshake is a 504", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  await using proxy = startProxy({
    proxy_ssl_verify: false,
    proxy_connect_timeout: "100ms",
    locations: {
      "/": `https://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    },
  });
  const answer = await rawExchange(
    proxy.port,
    "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 504 /);
  (await accepted).close();
  listener.close();
});

Deno.test("https to a unix socket is TLS", async () => {
  const dir = await Deno.makeTempDir();
  const socket = `${dir}/s`;
  try {
    await using _server = await tellingServer("server", { path: socket });
    await using proxy = startProxy({
      ...NAMED,
      locations: { "/": `https://unix:${socket}:/` },
    });
    const response = await fetch(proxy.url);
    const { name } = await response.json() as Seen;
    assert.equal(name, "backend.internal");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the executable's permissions are enough for all of it", async () => {
  await using server = await tellingServer();
  const settings = {
    "/authority": NAMED,
    "/certificate": { ...NAMED, ...CLIENT },
    "/unverified": { proxy_ssl_verify: false },
    // By Deno, which trusts what DENO_CERT says.
    "/name": { proxy_ssl_name: "backend.internal" },
  };
  const to = { proxy_pass: `https://127.0.0.1:${server.port}` };
  const config = await Deno.makeTempFile({ suffix: ".yaml" });
  try {
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        locations: Object.fromEntries(
          Object.entries(settings).map((
            [key, its],
          ) => [key, { ...its, ...to }]),
        ),
      }),
    );
    await using proxy = await startSameorigin(
      ["run", "-c", config, "--listen", "127.0.0.1:0"],
      { env: { DENO_CERT: path("ca.crt") } },
    );
    const url = await urlOf(proxy);
    for (const key of Object.keys(settings)) {
      const response = await fetch(url + key);
      assert.equal(response.status, 200, key);
      const { client } = await response.json() as Seen;
      assert.equal(client, key === "/certificate" ? "client" : null);
    }
  } finally {
    await Deno.remove(config);
  }
});
