/** What a client could hide in a request, or a server in a response. */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import { toGroup } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";
import {
  type RawConnection,
  rawExchange,
  rawUpstream,
} from "../support/raw_upstream.ts";
import { bodyOf, textOfBody, transportTo } from "./http1_fixture.ts";
import { bytesOf } from "./scripted_conn.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Reads a request as its framing says. @returns Its request line. */
async function readRequest(connection: RawConnection): Promise<string> {
  const head = await connection.readHead();
  const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
  if (length !== undefined) await connection.readExactly(Number(length));
  if (/^transfer-encoding: chunked\r$/im.test(head)) {
    await connection.readUntil("0\r\n\r\n");
  }
  return head.slice(0, head.indexOf("\r"));
}

Deno.test("no client can make its body another request, also where it names the length in Connection", async () => {
  const lines: string[] = [];
  await using server = rawUpstream(async (connection) => {
    while (true) {
      lines.push(await readRequest(connection));
      await connection.write(OK);
    }
  });
  await using proxy = startProxy(toGroup([server.port]));
  const hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";
  const size = hidden.length;
  const framed = [
    [`content-length: ${size}`, hidden],
    [`content-length: 0${size}`, hidden],
    [
      "transfer-encoding: chunked",
      `${size.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    ],
  ];
  const named = [
    "close",
    "close, content-length",
    "close, Content-Length",
    "close, transfer-encoding",
    "content-length, close, transfer-encoding",
  ];
  for (const [framing, body] of framed) {
    for (const connection of named) {
      lines.length = 0;
      const answer = await rawExchange(
        proxy.port,
        `POST /seen HTTP/1.1\r\nhost: x\r\nconnection: ${connection}\r\n` +
          `${framing}\r\n\r\n${body}`,
      );
      ok(answer.startsWith("HTTP/1.1 200"), answer);
      deepStrictEqual(
        lines,
        ["POST /seen HTTP/1.1"],
        `${framing} ${connection}`,
      );
    }
  }
});

Deno.test("a server that answers before it has the body is not asked again on that connection", async () => {
  // It would read the rest of the body as a request.
  const connections: string[][] = [];
  await using server = rawUpstream(async (connection, index) => {
    const lines: string[] = connections[index] = [];
    while (true) {
      const head = await connection.readHead();
      lines.push(head.slice(0, head.indexOf("\r")));
      await connection.write(OK);
    }
  });
  using it = transportTo(server.port);
  const answered = Promise.withResolvers<void>();
  const body = bodyOf(
    (async function* () {
      yield bytesOf("x");
      await answered.promise;
      yield bytesOf("GET /hidden HTTP/1.1\r\n\r\n");
    })(),
    25,
    it.deadlines,
  );
  const response = await it.send({ method: "POST", body, target: "/first" });
  equal(await textOfBody(response), "ok");
  answered.resolve();
  const next = await it.send({ target: "/second" });
  equal(await textOfBody(next), "ok");
  body.close();
  deepStrictEqual(connections, [
    ["POST /first HTTP/1.1"],
    ["GET /second HTTP/1.1"],
  ]);
});

/** Answers with this text, whatever is asked; a part behind `|` comes later. */
function answering(...answers: string[]) {
  return rawUpstream(async (connection, index) => {
    for (let count = 0;; count++) {
      const head = await connection.readHead();
      const which = answers[index * 10 + count] ?? OK;
      const [now = "", later] = which.split("|");
      const path = head.slice(head.indexOf("/"), head.indexOf(" HTTP"));
      await connection.write(now.replaceAll("PATH", path));
      if (later === undefined) continue;
      await new Promise((resolve) => setTimeout(resolve, 20));
      await connection.write(later);
    }
  });
}

Deno.test("what comes behind a response is never the answer to another request", async () => {
  const stray = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray";
  const length = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  const responses: [text: string, body: string | null, method?: string][] = [
    [`${length}good`, "good"],
    [`${length}go|od`, "good"],
    [`${chunked}4\r\ngood\r\n0\r\n\r\n`, "good"],
    [`${chunked}4\r\ngo|od\r\n0\r\n\r\n`, "good"],
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", null],
    ["HTTP/1.1 204 No Content\r\n\r\n", null],
    ["HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n", null],
    [length, null, "HEAD"],
    ["HTTP/1.1 200 OK\r\n\r\n", null, "HEAD"],
  ];
  for (const [text, body, method = "GET"] of responses) {
    // In the same packet, and in one of its own.
    for (const behind of [stray, `|${stray}`, "x", "|x"]) {
      if (text.includes("|") && behind.includes("|")) continue;
      await using server = answering(text + behind);
      using it = transportTo(server.port);
      const response = await it.send({ method });
      equal(await textOfBody(response), body);
      if (behind.startsWith("|")) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const next = await it.send({ method: "POST" });
      equal(await textOfBody(next), "ok", JSON.stringify(text + behind));
      equal(server.connections, 2, JSON.stringify(text + behind));
    }
  }
});

Deno.test("a body that a server sends with a response to HEAD, 204 or 304 is nobody's answer, however late it comes", async () => {
  const body = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstray";
  const cases: [method: string, head: string][] = [
    ["HEAD", `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`],
    ["HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"],
    ["GET", `HTTP/1.1 204 None\r\ncontent-length: ${body.length}\r\n\r\n`],
    ["GET", "HTTP/1.1 304 Same\r\ntransfer-encoding: chunked\r\n\r\n"],
  ];
  for (const [method, head] of cases) {
    const asked = Promise.withResolvers<void>();
    await using server = rawUpstream(async (connection, index) => {
      await connection.readHead();
      await connection.write(index === 0 ? head : OK);
      if (index > 0) return asked.resolve();
      // Late enough to be taken for the next answer, if one were awaited here.
      await connection.readHead().catch(() => {});
      await connection.write(body);
    });
    using it = transportTo(server.port);
    await it.send({ method });
    equal(await textOfBody(await it.send()), "ok", head);
    await asked.promise;
  }
});

Deno.test("a length beside chunks is no length, and the end of the connection", async () => {
  await using server = answering(
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n" +
      "5\r\nwhole\r\n0\r\n\r\n",
  );
  using it = transportTo(server.port);
  const response = await it.send();
  deepStrictEqual(response.fields, []);
  equal(await textOfBody(response), "whole");
  equal(it.transport.pool.size, 0);
});

Deno.test("a field of a response can't end it for the client", async () => {
  await using server = answering(
    "HTTP/1.1 200 OK\r\nx-a: b\rHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
  );
  await using proxy = startProxy(toGroup([server.port]));
  const answer = await rawExchange(
    proxy.port,
    "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  ok(answer.startsWith("HTTP/1.1 502"), answer);
});
