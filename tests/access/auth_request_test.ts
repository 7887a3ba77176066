/**
 * `auth_request`: another location decides.
 *
 * @module
 */
import {
  deepStrictEqual,
  match,
  ok,
  strictEqual as equal,
} from "node:assert/strict";
import { ask, backend, freePort, type Seen } from "../support/backends.ts";
import { echoClient, echoUpstream } from "../support/echo.ts";
import { startProxy } from "../support/proxy.ts";
import { rawClient, rawUpstream } from "../support/raw_upstream.ts";

/** An upstream that answers as the path of its request says: `/status/403`. */
function decider(answer?: (seen: Seen) => Response) {
  return backend(
    "auth",
    answer ??
      (({ headers }) =>
        new Response("decided", {
          status: Number(headers.get("x-wanted") ?? 200),
          headers: [
            ["x-user", "joe"],
            ["x-user", "max"],
            ["www-authenticate", 'Basic realm="there"'],
            ["set-cookie", "session=1; Path=/"],
            ["set-cookie", "csrf=2"],
          ],
        })),
  );
}

const guarded = (
  app: { address: string },
  auth: { address: string },
  more: Record<string, unknown> = {},
) => ({
  upstreams: { app: app.address, auth: auth.address },
  locations: {
    "/": {
      proxy_pass: "http://app",
      auth_request: "/auth?why=x",
      auth_request_set: {
        $user: "$upstream_http_x_user",
        $Auth_Status: "$upstream_status",
        $cookie: "$upstream_cookie_csrf",
      },
      proxy_set_header: {
        "Host": "app",
        "X-User": "$user",
        "X-Auth": "${auth_status} $cookie",
      },
      ...more,
    },
    "= /auth": {
      proxy_pass: "http://auth",
      internal: true,
      proxy_set_header: {
        "X-Original": "$request_method $request_uri",
        "X-Uri": "$uri $args",
        "X-Real-IP": "$remote_addr",
      },
    },
  },
});

Deno.test("2xx lets a request pass, with what the answer told", async () => {
  await using app = backend("app");
  await using auth = decider();
  await using proxy = startProxy(guarded(app, auth));
  const answer = await fetch(`${proxy.url}/a%20b?c=d`, {
    method: "POST",
    body: "body",
    headers: { cookie: "session=0", "x-request-id": "id-7" },
  });
  equal(`${answer.status} ${await answer.text()}`, "200 app");
  // They are the subrequest's.
  equal(answer.headers.get("set-cookie"), null);
  const [asked] = auth.seen;
  equal(asked?.method, "GET");
  equal(asked?.target, "/auth?why=x");
  equal(asked?.body, "");
  const { headers } = asked!;
  equal(headers.get("content-length"), null);
  equal(headers.get("transfer-encoding"), null);
  equal(headers.get("cookie"), "session=0");
  equal(headers.get("x-original"), "POST /a%20b?c=d");
  equal(headers.get("x-uri"), "/auth why=x");
  equal(headers.get("x-real-ip"), "127.0.0.1");
  equal(headers.get("x-request-id"), "id-7");
  const [passed] = app.seen;
  equal(passed?.method, "POST");
  equal(passed?.body, "body");
  equal(passed?.target, "/a%20b?c=d");
  equal(passed?.headers.get("x-user"), "joe, max");
  equal(passed?.headers.get("x-auth"), "200 2");
  equal(passed?.headers.get("x-request-id"), "id-7");
});

Deno.test("401 and 403 are what the client gets, with how to log in and the cookies", async () => {
  await using app = backend("app");
  await using auth = decider();
  await using proxy = startProxy(guarded(app, auth));
  for (const status of ["401", "403"]) {
    const answer = await fetch(proxy.url, { headers: { "x-wanted": status } });
    equal(String(answer.status), status);
    equal(
      answer.headers.get("www-authenticate"),
      status === "401" ? 'Basic realm="there"' : null,
    );
    deepStrictEqual(answer.headers.getSetCookie(), [
      "session=1; Path=/",
      "csrf=2",
    ]);
    equal(answer.headers.get("x-user"), null);
    ok(!(await answer.text()).includes("decided"));
  }
  equal(app.seen.length, 0);
  equal(proxy.errors.length, 0);
});

Deno.test("any other answer lets nobody pass, and is told", async () => {
  await using app = backend("app");
  await using auth = decider();
  await using proxy = startProxy(guarded(app, auth));
  for (const status of ["302", "404", "429", "500", "503"]) {
    proxy.errors.length = 0;
    match(
      await ask(proxy.url, { headers: { "x-wanted": status } }),
      /^500 .*can't be found out/,
    );
    match(
      proxy.errors[0] ?? "",
      new RegExp(
        `^500 /: auth_request /auth\\?why=x was answered with ${status}`,
      ),
    );
  }
  equal(app.seen.length, 0);
});

Deno.test("where nobody answers, or not in time, nobody passes, and it is told who", async () => {
  await using app = backend("app");
  const port = freePort();
  await using silent = rawUpstream(async (connection) => {
    await connection.readToEnd();
  });
  const config = guarded(app, { address: `127.0.0.1:${port}` });
  await using refused = startProxy(config);
  match(await ask(refused.url), /^500 /);
  match(
    refused.errors[0] ?? "",
    /^502 = \/auth: upstream "auth" at .*nothing listens/,
  );
  match(refused.errors[1] ?? "", /^500 \/: auth_request .* answered with 502/);
  await using late = startProxy({
    ...guarded(app, { address: `127.0.0.1:${silent.port}` }),
    proxy_read_timeout: "100ms",
  });
  match(await ask(late.url), /^500 /);
  match(late.errors[0] ?? "", /^504 = \/auth: upstream "auth"/);
  equal(app.seen.length, 0);
});

Deno.test("a client that leaves cancels the question", async () => {
  await using app = backend("app");
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  await using silent = rawUpstream(async (connection) => {
    await connection.readHead();
    asked.resolve();
    await connection.readToEnd();
    left.resolve();
  });
  await using proxy = startProxy(
    guarded(app, { address: `127.0.0.1:${silent.port}` }),
  );
  const client = await rawClient(proxy.port);
  await client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await asked.promise;
  client.close();
  await left.promise;
  equal(app.seen.length, 0);
});

Deno.test("a large answer is not read, and none waits for it", async () => {
  await using app = backend("app");
  await using auth = decider(() => {
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65536)),
    });
    return new Response(endless, { status: 200 });
  });
  await using proxy = startProxy(guarded(app, auth));
  for (let i = 0; i < 5; i++) equal(await ask(proxy.url), "200 app");
});

Deno.test("a location that answers by itself can decide", async () => {
  await using app = backend("app");
  await using proxy = startProxy({
    locations: {
      "/": { proxy_pass: `http://${app.address}`, auth_request: "/no" },
      "/yes": { proxy_pass: `http://${app.address}`, auth_request: "/ok" },
      "/open": { proxy_pass: `http://${app.address}` },
      "= /no": { return: 403 },
      "= /ok": { return: 204 },
    },
  });
  match(await ask(proxy.url), /^403 /);
  equal(await ask(`${proxy.url}/yes`), "200 app");
  equal(await ask(`${proxy.url}/open`), "200 app");
});

Deno.test("the location that decides is asked itself without being checked", async () => {
  await using app = backend("app");
  await using auth = decider();
  const { locations, upstreams } = guarded(app, auth);
  await using proxy = startProxy({
    upstreams,
    auth_request: "/auth",
    locations: {
      "/": "http://app",
      "= /auth": { ...locations["= /auth"], internal: "off" },
      "/free": { proxy_pass: "http://app", auth_request: "off" },
    },
  });
  equal(await ask(proxy.url), "200 app");
  equal(await ask(`${proxy.url}/free`), "200 app");
  equal(auth.seen.length, 1);
  equal(await ask(`${proxy.url}/auth`), "200 decided");
  equal(auth.seen.length, 3);
});

Deno.test("a WebSocket is opened only if it may", async () => {
  await using echo = echoUpstream();
  await using auth = decider();
  await using proxy = startProxy(
    guarded({ address: `127.0.0.1:${echo.port}` }, auth),
  );
  const client = await echoClient(proxy.url);
  equal(await client.echo("here"), "here");
  await client.close();
  equal(auth.seen[0]?.headers.get("upgrade"), null);
  const refused = await rawClient(proxy.port);
  await refused.write(
    "GET / HTTP/1.1\r\nhost: x\r\nx-wanted: 401\r\nupgrade: websocket\r\n" +
      "connection: upgrade\r\nsec-websocket-version: 13\r\n" +
      "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  match(await refused.readHead(), /^HTTP\/1.1 401 /);
  refused.close();
});

Deno.test("an upload that waits for its answer outlives the listener", async () => {
  await using app = backend("app");
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using auth = backend("auth", async () => {
    asked.resolve();
    await gate.promise;
    return new Response();
  });
  await using proxy = startProxy(guarded(app, auth));
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbo",
  );
  await asked.promise;
  const stopped = proxy.server.shutdown();
  gate.resolve();
  await client.write("dy");
  match(await client.readToEnd(), /^HTTP\/1.1 200 .*app$/s);
  client.close();
  equal(app.seen[0]?.body, "body");
  await stopped;
});
