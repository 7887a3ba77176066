import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import {
  rawClient,
  rawExchange,
  type RawUpstream,
  rawUpstream,
} from "../../support/raw_upstream.ts";
import { startProxy } from "../../support/proxy.ts";

/** An upstream that answers each request head with the text that `answer` gives. */
function answering(answer: (head: string) => string): RawUpstream {
  return rawUpstream(async (connection) => {
    while (true) {
      const head = await connection.readHead();
      await connection.write(answer(head));
    }
  });
}

function at(upstream: RawUpstream, more: Record<string, unknown> = {}) {
  return startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
    ...more,
  });
}

/** Header lines of a head, in order, names in lower case. */
function fields(head: string): string[] {
  return head.trimEnd().split("\r\n").slice(1).map((line) => {
    const colon = line.indexOf(":");
    return line.slice(0, colon).toLowerCase() + line.slice(colon);
  });
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** What the upstream sees of one request sent as text. */
async function seenUpstream(
  request: string,
  config: Record<string, unknown> = {},
): Promise<string> {
  let seen = "";
  await using upstream = answering((head) => {
    seen = head;
    return OK;
  });
  await using proxy = at(upstream, config);
  await rawExchange(proxy.port, request);
  return seen;
}

/** What the client gets for one answer of the upstream, as text. */
async function seenByClient(
  answer: string,
  request = "GET / HTTP/1.1\r\nhost: site:9000\r\nconnection: close\r\n\r\n",
  config: Record<string, unknown> = {},
): Promise<string> {
  await using upstream = answering(() => answer);
  await using proxy = at(upstream, config);
  return await rawExchange(proxy.port, request);
}

Deno.test("hop-by-hop headers of the client stay here, those named in Connection too", async () => {
  const head = await seenUpstream(
    "GET / HTTP/1.1\r\nhost: x\r\nconnection: close, X-Mine\r\nx-mine: 1\r\n" +
      "keep-alive: 300\r\nproxy-connection: keep-alive\r\nte: trailers, gzip\r\n" +
      "trailer: x\r\nupgrade: h2c\r\nx-yours: 2\r\n\r\n",
  );
  const names = fields(head).map((field) => field.split(":")[0]);
  for (
    const name of [
      "connection",
      "x-mine",
      "keep-alive",
      "proxy-connection",
      "trailer",
      "upgrade",
    ]
  ) ok(!names.includes(name), name);
  ok(fields(head).includes("te: trailers"));
  ok(fields(head).includes("x-yours: 2"));
});

Deno.test("hop-by-hop headers of the upstream stay here, those named in Connection too", async () => {
  const answer = await seenByClient(
    "HTTP/1.1 200 OK\r\nconnection: keep-alive, x-mine\r\nx-mine: 1\r\n" +
      "keep-alive: timeout=5\r\nproxy-connection: x\r\ntrailer: x\r\n" +
      "upgrade: h2c\r\nx-yours: 2\r\ncontent-length: 2\r\n\r\nok",
  );
  for (
    const name of [
      "x-mine",
      "keep-alive",
      "proxy-connection",
      "trailer",
      "upgrade",
    ]
  ) {
    ok(!answer.toLowerCase().includes(`\r\n${name}:`), name);
  }
  ok(answer.includes("x-yours: 2"));
});

Deno.test("a Location that Connection names stays here as well", async () => {
  const answer = await seenByClient(
    "HTTP/1.1 200 OK\r\nconnection: close, location\r\nlocation: /x\r\n" +
      "content-length: 2\r\n\r\nok",
  );
  ok(!answer.toLowerCase().includes("\r\nlocation:"), answer);
});

Deno.test("Set-Cookie stays repeated, in its order", async () => {
  const answer = await seenByClient(
    "HTTP/1.1 200 OK\r\nset-cookie: b=1; Path=/\r\nset-cookie: a=2, x\r\n" +
      "set-cookie: b=3\r\ncontent-length: 0\r\n\r\n",
  );
  deepStrictEqual(
    fields(answer).filter((field) => field.startsWith("set-cookie")),
    ["set-cookie: b=1; Path=/", "set-cookie: a=2, x", "set-cookie: b=3"],
  );
});

Deno.test("other repeated headers keep every value, in their order", async () => {
  const answer = await seenByClient(
    "HTTP/1.1 200 OK\r\nvary: b\r\nvary: a\r\ncontent-length: 0\r\n\r\n",
  );
  deepStrictEqual(
    fields(answer).filter((field) => field.startsWith("vary")),
    ["vary: b", "vary: a"],
  );
  const head = await seenUpstream(
    "GET / HTTP/1.1\r\nhost: x\r\nx-a: 2\r\nx-a: 1\r\ncookie: b=1\r\n" +
      "cookie: a=2\r\nconnection: close\r\n\r\n",
  );
  ok(fields(head).includes("x-a: 2, 1"));
  ok(fields(head).includes("cookie: b=1; a=2"));
});

Deno.test("compressed bodies pass byte for byte, with their length", async () => {
  const plain = new TextEncoder().encode("compress me ".repeat(1000));
  const gzip = new Uint8Array(
    await new Response(
      new Response(plain).body!.pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer(),
  );
  const body = Array.from(gzip, (b) => String.fromCharCode(b)).join("");
  for (
    const accept of [
      "",
      "accept-encoding: gzip\r\n",
      "accept-encoding: br;q=1\r\n",
    ]
  ) {
    // An upstream that compresses whatever is asked: gzip passes, br is a lie.
    for (const coding of ["gzip", "br"]) {
      const answer = await seenByClient(
        `HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\n` +
          `content-length: ${gzip.length}\r\n\r\n${body}`,
        `GET / HTTP/1.1\r\nhost: x\r\n${accept}connection: close\r\n\r\n`,
      );
      equal(answer.slice(answer.indexOf("\r\n\r\n") + 4), body);
      ok(
        fields(answer.split("\r\n\r\n")[0]!).includes(
          `content-length: ${gzip.length}`,
        ),
      );
      ok(answer.includes(`content-encoding: ${coding}`));
    }
  }
});

Deno.test("the client's Accept-Encoding reaches the upstream as it is, and none where there is none", async () => {
  const head = await seenUpstream(
    "GET / HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip, br\r\nconnection: close\r\n\r\n",
  );
  deepStrictEqual(
    fields(head).filter((field) => field.startsWith("accept-encoding")),
    ["accept-encoding: gzip, br"],
  );
  const none = await seenUpstream(
    "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  deepStrictEqual(
    fields(none).filter((field) => field.startsWith("accept")),
    [],
  );
});

Deno.test("HEAD, 204 and 304 pass as they are", async () => {
  const head = await seenByClient(
    'HTTP/1.1 200 OK\r\ncontent-length: 1234\r\netag: "x"\r\n\r\n',
    "HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  ok(fields(head).includes("content-length: 1234"), head);
  ok(head.endsWith("\r\n\r\n"));
  const none = await seenByClient("HTTP/1.1 204 No Content\r\nx: 1\r\n\r\n");
  ok(none.startsWith("HTTP/1.1 204") && none.includes("x: 1"));
  const same = await seenByClient(
    'HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n',
    'GET / HTTP/1.1\r\nhost: x\r\nif-none-match: "x"\r\nconnection: close\r\n\r\n',
  );
  ok(same.startsWith("HTTP/1.1 304") && same.includes('etag: "x"'));
});

Deno.test("a range passes", async () => {
  const head = await seenUpstream(
    'GET / HTTP/1.1\r\nhost: x\r\nrange: bytes=1-2\r\nif-range: "x"\r\nconnection: close\r\n\r\n',
  );
  ok(fields(head).includes("range: bytes=1-2"));
  ok(fields(head).includes('if-range: "x"'));
  const answer = await seenByClient(
    "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 1-2/9\r\ncontent-length: 2\r\n\r\nbc",
  );
  ok(answer.startsWith("HTTP/1.1 206") && answer.endsWith("bc"));
});

Deno.test("a body is sent on with the framing it came in", async () => {
  const big = "b".repeat(300_000);
  const cases: [framing: string, body: string, seen: RegExp, not: RegExp][] = [
    ["content-length: 4", "body", /content-length: 4\r\n/, /transfer-encoding/],
    [
      `content-length: ${big.length}`,
      big,
      /content-length: 300000\r\n/,
      /transfer-encoding/,
    ],
    [
      "transfer-encoding: chunked",
      "4\r\nbody\r\n0\r\n\r\n",
      /transfer-encoding: chunked\r\n/,
      /content-length/,
    ],
    ["content-length: 0", "", /content-length: 0\r\n/, /transfer-encoding/],
  ];
  for (const [framing, body, seen, not] of cases) {
    let head = "";
    let got = "";
    await using upstream = rawUpstream(async (connection) => {
      head = await connection.readHead();
      const length = /content-length: (\d+)/.exec(head)?.[1];
      got = length === undefined
        ? await connection.readUntil("0\r\n\r\n")
        : await connection.readExactly(Number(length));
      await connection.write(OK);
    });
    await using proxy = at(upstream);
    const answer = await rawExchange(
      proxy.port,
      `POST / HTTP/1.1\r\nhost: x\r\n${framing}\r\nconnection: close\r\n\r\n${body}`,
    );
    ok(answer.startsWith("HTTP/1.1 200"), answer);
    ok(seen.test(head), head);
    ok(!not.test(head), head);
    ok(got === body || got.includes("body"));
    equal(got.length, body.length);
  }
});

Deno.test("a DELETE or OPTIONS without a body is sent without one", async () => {
  for (const method of ["DELETE", "OPTIONS", "PROPFIND"]) {
    const head = await seenUpstream(
      `${method} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    );
    ok(head.startsWith(`${method} / `));
    ok(!/content-length|transfer-encoding/.test(head), head);
  }
});

Deno.test("Expect: 100-continue is answered here, and the body follows", async () => {
  let head = "";
  await using upstream = rawUpstream(async (connection) => {
    head = await connection.readHead();
    equal(await connection.readExactly(4), "body");
    await connection.write(OK);
  });
  await using proxy = at(upstream);
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\nconnection: close\r\n\r\n",
  );
  ok((await client.readHead()).startsWith("HTTP/1.1 100"));
  await client.write("body");
  ok((await client.readToEnd()).startsWith("HTTP/1.1 200"));
  client.close();
  ok(!/expect/.test(head), head);
});

Deno.test("a server-sent event reaches the client when the upstream writes it", async () => {
  const more = Promise.withResolvers<void>();
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n",
    );
    await more.promise;
    await connection.write("data: 2\n\n");
  });
  await using proxy = at(upstream);
  const response = await fetch(proxy.url);
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  equal((await reader.read()).value, "data: 1\n\n");
  // The second is written only now: the first did not wait for it.
  more.resolve();
  equal((await reader.read()).value, "data: 2\n\n");
  equal((await reader.read()).done, true);
});

Deno.test("a body over client_max_body_size is a 413, with a length and without", async () => {
  let whole = 0;
  await using upstream = rawUpstream(async (connection) => {
    const head = await connection.readHead();
    if (/chunked/.test(head)) await connection.readUntil("0\r\n\r\n");
    whole++;
    await connection.write(OK);
  });
  await using proxy = at(upstream, { client_max_body_size: "1k" });
  const over = "x".repeat(1025);
  const exact = "x".repeat(1024);
  const stream = (text: string) => new Blob([text]).stream();
  const send = async (body: BodyInit) => {
    const response = await fetch(proxy.url, { method: "POST", body });
    await response.body?.cancel();
    return response.status;
  };
  equal(await send(over), 413);
  equal(await send(stream(over)), 413);
  equal(whole, 0);
  equal(await send(stream(exact)), 200);
  equal(await send(exact), 200);
  equal(await send(stream("")), 200);
});

Deno.test("redirects to the upstream's own name lead to where the browser is", async () => {
  const request =
    "GET /api/x HTTP/1.1\r\nhost: site:9000\r\nconnection: close\r\n\r\n";
  const cases: [proxyPass: string, location: string, seen: string][] = [
    ["http://backend", "http://backend/login/", "http://site:9000/login/"],
    ["http://backend", "http://backend", "http://site:9000/"],
    ["http://backend", "http://backend?a=b", "http://site:9000/?a=b"],
    ["http://backend", "http://backend.evil/x", "http://backend.evil/x"],
    ["http://backend", "https://backend/x", "https://backend/x"],
    ["http://backend", "/relative", "/relative"],
    ["http://backend/v1/", "http://backend/v1/y", "http://site:9000/api/y"],
    ["http://backend/v1/", "http://backend/v2/y", "http://backend/v2/y"],
  ];
  for (const [proxyPass, location, seen] of cases) {
    await using upstream = answering(() =>
      `HTTP/1.1 302 Found\r\nlocation: ${location}\r\nrefresh: 0; url=${location}\r\n` +
      "content-length: 0\r\n\r\n"
    );
    await using proxy = startProxy({
      upstreams: { backend: `127.0.0.1:${upstream.port}` },
      locations: { "/api/": proxyPass },
    });
    const answer = fields(await rawExchange(proxy.port, request));
    ok(answer.includes(`location: ${seen}`), `${location} → ${answer}`);
    ok(answer.includes(`refresh: 0; url=${seen}`), answer.join());
  }
});

Deno.test("a redirect to the upstream's address and port is rewritten too", async () => {
  const upstream: RawUpstream = answering(() =>
    `HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:${upstream.port}/x\r\ncontent-length: 0\r\n\r\n`
  );
  await using _ = upstream;
  await using proxy = startProxy({
    upstreams: { backend: `127.0.0.1:${upstream.port}` },
    locations: { "/": "http://backend" },
  });
  const answer = await rawExchange(
    proxy.port,
    "GET / HTTP/1.1\r\nhost: site:9000\r\nconnection: close\r\n\r\n",
  );
  ok(fields(answer).includes("location: http://site:9000/x"), answer);
});

Deno.test("the request id is the client's where it is sane, and goes both ways", async () => {
  const ids: string[] = [];
  await using upstream = answering((head) => {
    ids.push(/^x-request-id: (.*)$/m.exec(head)![1]!);
    return OK;
  });
  await using proxy = at(upstream);
  const sane = await fetch(proxy.url, {
    headers: { "x-request-id": "trace-1.2" },
  });
  equal(sane.headers.get("x-request-id"), "trace-1.2");
  await sane.body?.cancel();
  for (const odd of ["a b", "x".repeat(129), 'a"b', "<script>"]) {
    const response = await fetch(proxy.url, {
      headers: { "x-request-id": odd },
    });
    ok(/^[0-9a-f-]{36}$/.test(response.headers.get("x-request-id")!));
    await response.body?.cancel();
  }
  equal(ids[0], "trace-1.2");
  ok(ids.slice(1).every((id) => /^[0-9a-f-]{36}\r?$/.test(id)), ids.join());
});

Deno.test("the upstream's answer is not held back by a slow client's upload", async () => {
  // Full duplex: the answer streams while the request body still comes.
  await using upstream = rawUpstream(async (connection) => {
    await connection.readHead();
    await connection.readUntil("one");
    await connection.write("HTTP/1.1 200 OK\r\n\r\ngot one");
    await connection.readUntil("two");
    await connection.write(", got two");
  });
  await using proxy = at(upstream);
  const client = await rawClient(proxy.port);
  await client.write(
    "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 6\r\n\r\none",
  );
  await client.readUntil("got one");
  await client.write("two");
  ok((await client.readToEnd()).includes("got two"));
  client.close();
});

Deno.test("error pages speak what the client accepts", async () => {
  const config = { locations: { "/api": "http://127.0.0.1:9" }, dev: true };
  await using proxy = startProxy({
    ...config,
    locations: {
      "/api": "http://no-such-host.invalid:1234",
    },
  });
  const get = (accept?: string) =>
    fetch(
      proxy.url + "/api",
      accept === undefined ? {} : { headers: { accept } },
    );
  const html = await get("text/html,application/xhtml+xml,*/*;q=0.8");
  equal(html.headers.get("content-type"), "text/html; charset=utf-8");
  ok((await html.text()).includes("no-such-host.invalid:1234"));
  const json = await get("application/json");
  equal(json.headers.get("content-type"), "application/problem+json");
  const problem = await json.json();
  equal(problem.status, 502);
  equal(problem.title, "Bad Gateway");
  ok(problem.advice.includes("no such host"));
  const text = await get();
  equal(text.headers.get("content-type"), "text/plain; charset=utf-8");
  ok((await text.text()).startsWith("502 Bad Gateway: "));
});

Deno.test("without dev an error page gives nothing away", async () => {
  await using proxy = startProxy({
    locations: { "/": "http://no-such-host.invalid:1234" },
  });
  for (const accept of ["text/html", "application/json", "text/plain"]) {
    const response = await fetch(proxy.url, { headers: { accept } });
    equal(response.status, 502);
    ok(!/no-such-host|1234|upstream/.test(await response.text()));
  }
});

Deno.test("an error page escapes what came from outside", async () => {
  await using proxy = startProxy({
    locations: { "/a": "http://x.invalid:8000" },
    dev: true,
  });
  const answer = await rawExchange(
    proxy.port,
    "GET /<script>alert(1)</script> HTTP/1.1\r\nhost: x\r\naccept: text/html\r\nconnection: close\r\n\r\n",
  );
  ok(answer.startsWith("HTTP/1.1 404"));
  ok(!answer.includes("<script>"), answer);
});

Deno.test("forward proxies of the environment are not used for upstreams", async () => {
  Deno.env.set("HTTP_PROXY", "http://127.0.0.1:9");
  Deno.env.set("http_proxy", "http://127.0.0.1:9");
  await using upstream = answering(() => OK);
  await using proxy = at(upstream);
  equal(await (await fetch(proxy.url)).text(), "ok");
});
