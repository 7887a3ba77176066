import { ok, strictEqual as equal } from "node:assert/strict";
import { type RawConnection, rawUpstream } from "../../support/raw_upstream.ts";
import { startProxy } from "../../support/proxy.ts";

/** A well-behaved answer, for the request that follows the bad one. */
async function answerOk(connection: RawConnection): Promise<void> {
  await connection.write(
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
  );
}

/**
 * An upstream that does `bad` to requests for `/bad` and answers all others,
 * and a proxy in front of it.
 */
function misbehaving(
  bad: (connection: RawConnection, head: string) => Promise<void>,
  config: Record<string, unknown> = {},
) {
  const upstream = rawUpstream(async (connection) => {
    const head = await connection.readHead();
    if (/^\w+ \/bad/.test(head)) await bad(connection, head);
    else await answerOk(connection);
  });
  const proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
    ...config,
  });
  return {
    upstream,
    proxy,
    bad: (init?: RequestInit) => fetch(proxy.url + "/bad", init),
    /** The next request is unharmed. */
    async unharmed() {
      const response = await fetch(proxy.url + "/good");
      equal(response.status, 200);
      equal(await response.text(), "ok");
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Whether reading a body to its end fails. */
async function breaksOff(response: Response): Promise<boolean> {
  try {
    await response.bytes();
    return false;
  } catch {
    return true;
  }
}

Deno.test("an upstream where nobody listens is a 502", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${port}` },
  });
  const response = await fetch(proxy.url + "/");
  equal(response.status, 502);
  await response.body?.cancel();
  ok(proxy.errors[0]?.includes("nothing listens there"), proxy.errors[0]!);
});

Deno.test("an upstream whose name does not resolve is a 502", async () => {
  await using proxy = startProxy({
    locations: { "/": "http://no-such-host.invalid:8000" },
  });
  const response = await fetch(proxy.url + "/");
  equal(response.status, 502);
  await response.body?.cancel();
  ok(proxy.errors[0]?.includes("no such host"), proxy.errors[0]!);
});

Deno.test("an upstream that says nothing is a 504, and its connection is closed", async () => {
  const gone = Promise.withResolvers<void>();
  await using stack = misbehaving(async (connection) => {
    await connection.readToEnd();
    gone.resolve();
  }, { proxy_read_timeout: "100ms" });
  const response = await stack.bad();
  equal(response.status, 504);
  await response.body?.cancel();
  await gone.promise;
  await stack.unharmed();
});

Deno.test("an upstream that answers garbage is a 502", async () => {
  await using stack = misbehaving((connection) =>
    connection.write("SSH-2.0-OpenSSH_9.9\r\n\r\n")
  );
  const response = await stack.bad();
  equal(response.status, 502);
  await response.body?.cancel();
  ok(stack.proxy.errors[0]?.includes("not HTTP"), stack.proxy.errors[0]!);
  await stack.unharmed();
});

Deno.test("an upstream that cuts in the head is a 502", async () => {
  await using stack = misbehaving((connection) =>
    connection.write("HTTP/1.1 200 OK\r\ncontent-le")
  );
  const response = await stack.bad();
  equal(response.status, 502);
  await response.body?.cancel();
  await stack.unharmed();
});

Deno.test("an upstream that closes a new connection without an answer is a 502, and asked once", async () => {
  let asked = 0;
  await using stack = misbehaving(() => {
    asked++;
    return Promise.resolve();
  });
  const get = await stack.bad();
  equal(get.status, 502);
  await get.body?.cancel();
  equal(asked, 1);
  asked = 0;
  const post = await stack.bad({ method: "POST", body: "x" });
  equal(post.status, 502);
  await post.body?.cancel();
  equal(asked, 1);
  asked = 0;
  const empty = await stack.bad({ method: "POST" });
  equal(empty.status, 502);
  await empty.body?.cancel();
  equal(asked, 1);
  await stack.unharmed();
});

Deno.test("an upstream that cuts a body with a length breaks the client's connection", async () => {
  await using stack = misbehaving((connection) =>
    connection.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nshort")
  );
  const response = await stack.bad();
  equal(response.status, 200);
  ok(await breaksOff(response), "a short answer looked complete");
  await stack.unharmed();
});

Deno.test("an upstream that cuts a chunked body breaks the client's connection", async () => {
  await using stack = misbehaving((connection) =>
    connection.write(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
    )
  );
  const response = await stack.bad();
  equal(response.status, 200);
  ok(await breaksOff(response), "a short answer looked complete");
  await stack.unharmed();
});

Deno.test("a body longer than its length ends at its length, and the rest reaches nobody", async () => {
  const upstream = rawUpstream(async (connection) => {
    while (true) {
      const head = await connection.readHead();
      const rest = head.startsWith("GET /bad")
        ? "ok" + "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"
        : "ok";
      await connection.write(
        `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n${rest}`,
      );
    }
  });
  await using _ = upstream;
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  for (const path of ["/bad", "/good", "/bad", "/good"]) {
    const response = await fetch(proxy.url + path);
    equal(await response.text(), "ok");
  }
});

Deno.test("two different lengths from an upstream are a 502", async () => {
  await using stack = misbehaving((connection) =>
    connection.write(
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
    )
  );
  const response = await stack.bad();
  equal(response.status, 502);
  await response.body?.cancel();
  await stack.unharmed();
});

Deno.test("a body that never ends streams, and ends upstream when the client leaves", async () => {
  const gone = Promise.withResolvers<void>();
  await using stack = misbehaving(async (connection) => {
    await connection.write("HTTP/1.1 200 OK\r\n\r\n");
    try {
      while (true) await connection.write("x".repeat(1000));
    } catch {
      gone.resolve();
    }
  });
  const response = await stack.bad();
  const reader = response.body!.getReader();
  const first = await reader.read();
  ok(first.value!.byteLength > 0);
  await reader.cancel();
  await gone.promise;
  await stack.unharmed();
});

Deno.test("an answer that comes before the request body was read reaches the client", async () => {
  await using stack = misbehaving(async (connection) => {
    await connection.write(
      "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno",
    );
    await connection.readToEnd();
  }, { client_max_body_size: 0 });
  const response = await stack.bad({
    method: "POST",
    body: new Uint8Array(4 * 1024 * 1024),
  });
  equal(response.status, 403);
  equal(await response.text(), "no");
  await stack.unharmed();
});

Deno.test("an idle connection that the upstream closed loses no request", async () => {
  let requests = 0;
  await using upstream = rawUpstream(async (connection) => {
    // Promises keep-alive, answers once, and closes with the second request in.
    await connection.readHead();
    requests++;
    await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await connection.read();
  });
  await using proxy = startProxy({
    locations: { "/": `http://127.0.0.1:${upstream.port}` },
  });
  for (let i = 0; i < 20; i++) {
    const response = await fetch(proxy.url + "/");
    equal(response.status, 200);
    equal(await response.text(), "ok");
  }
  equal(requests, 20);
});

Deno.test("64 KB of response headers pass", async () => {
  const long = "h".repeat(64 * 1024);
  await using stack = misbehaving((connection) =>
    connection.write(
      `HTTP/1.1 200 OK\r\nx-long: ${long}\r\ncontent-length: 2\r\n\r\nok`,
    )
  );
  const response = await stack.bad();
  equal(response.status, 200);
  equal(response.headers.get("x-long"), long);
  await response.body?.cancel();
  await stack.unharmed();
});

Deno.test("response headers without end are a 502", async () => {
  await using stack = misbehaving(async (connection) => {
    await connection.write("HTTP/1.1 200 OK\r\n");
    for (let i = 0;; i++) {
      await connection.write(`x-${i}: ${"h".repeat(1000)}\r\n`);
    }
  });
  const response = await stack.bad();
  equal(response.status, 502);
  await response.body?.cancel();
  await stack.unharmed();
});

Deno.test("a status that no browser may see is a 502", async () => {
  for (const status of ["101 Switching Protocols", "999 Odd"]) {
    await using stack = misbehaving((connection) =>
      connection.write(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`)
    );
    const response = await stack.bad();
    equal(response.status, 502, status);
    await response.body?.cancel();
    await stack.unharmed();
  }
});

Deno.test("early hints before the answer do no harm", async () => {
  await using stack = misbehaving((connection) =>
    connection.write(
      "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n" +
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    )
  );
  const response = await stack.bad();
  equal(response.status, 200);
  equal(await response.text(), "ok");
  await stack.unharmed();
});
