/** The head of a response: what RFC 9112 allows, and what is refused. */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import {
  Connection,
  ConnectionLost,
} from "../../lib/transport/http1/connection.ts";
import { KnownHeads } from "../../lib/transport/http1/known_heads.ts";
import { KnownLines } from "../../lib/transport/http1/known_lines.ts";
import {
  FIELDS_LIMIT,
  HEAD_LIMIT,
  mayBeHead,
  parseHead,
} from "../../lib/transport/http1/response_head.ts";
import { head, outcome } from "./heads.ts";
import { bytesOf, scriptedConn, textOf } from "./scripted_conn.ts";

const parse = (text: string, method = "GET", known = new KnownLines()) =>
  parseHead(text, method, known);

Deno.test("a head is taken apart: status, reason, fields in their order and number", () => {
  const text = head(
    "Content-Type: text/plain",
    "Set-Cookie: a=1",
    "X-A:b",
    "x-tabs:\t  c\td \t",
    "Empty:",
    "Set-Cookie: b=2",
    "Content-Length: 12",
  );
  deepStrictEqual(parse(text), {
    status: 200,
    statusText: "OK",
    fields: [
      ["content-type", "text/plain"],
      ["set-cookie", "a=1"],
      ["x-a", "b"],
      ["x-tabs", "c\td"],
      ["empty", ""],
      ["set-cookie", "b=2"],
      ["content-length", "12"],
    ],
    framing: { kind: "length", length: 12 },
    keepAlive: true,
    upgrade: null,
  });
});

Deno.test("the status line", () => {
  const good: [line: string, status: number, reason: string][] = [
    ["HTTP/1.1 200 OK", 200, "OK"],
    ["HTTP/1.1 200 ", 200, ""],
    ["HTTP/1.1 200", 200, ""],
    ["HTTP/1.0 404 Not Found", 404, "Not Found"],
    ["HTTP/1.1 999 \x80\xff  spaces ", 999, "\x80\xff  spaces "],
    ["HTTP/1.1 100 Continue", 100, "Continue"],
  ];
  for (const [line, status, reason] of good) {
    const read = parse(`${line}\r\n\r\n`);
    equal(read.status, status, line);
    equal(read.statusText, reason, line);
  }
  const bad = [
    "",
    "HTTP/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1 20",
    "HTTP/1.1 099 x",
    "HTTP/1.1 2000 OK",
    "HTTP/1.1 200OK",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 +200 OK",
    "HTTP/1.2 200 OK",
    "HTTP/2.0 200 OK",
    "HTTP/1.1\t200 OK",
    "http/1.1 200 OK",
    " HTTP/1.1 200 OK",
    "ICY 200 OK",
    "GET / HTTP/1.1",
  ];
  for (const line of bad) {
    equal(outcome(`${line}\r\n\r\n`), "not HTTP/1.1", JSON.stringify(line));
  }
  equal(outcome("HTTP/1.1 200 a\x00\r\n\r\n"), "a control character");
  equal(outcome("HTTP/1.1 200 a\rb\r\n\r\n"), "not HTTP/1.1");
});

Deno.test("what is no field is refused, never skipped", () => {
  const lines: [line: string, why: string][] = [
    ["no colon", "an invalid field name"],
    [": no name", "an invalid field name"],
    ["X-A : space before the colon", "an invalid field name"],
    ["X-A\t: tab before the colon", "an invalid field name"],
    ["X A: b", "an invalid field name"],
    ["X-Ä: b".replace("Ä", "\xc4"), "an invalid field name"],
    ["X(A): b", "an invalid field name"],
    [" folded", "an invalid field name"],
    ["\tfolded: too", "an invalid field name"],
    ["X-A: a\x00b", "a control character"],
    ["X-A: a\x0bb", "a control character"],
    ["X-A: a\x1bb", "a control character"],
    ["X-A: a\x7fb", "a control character"],
    ["X-A: a\rb", "a bare carriage return"],
    ["X-A: a\rX-B: b", "a bare carriage return"],
    ["X-A: a\r", "a bare carriage return"],
    ["\r", "a bare carriage return"],
  ];
  for (const [line, why] of lines) {
    equal(outcome(head("A: b", line, "C: d")), why, JSON.stringify(line));
    equal(outcome(head(line)), why, JSON.stringify(line));
  }
});

Deno.test("a line feed alone ends a line too, as in nginx", () => {
  const text = "HTTP/1.1 200 OK\nA: b\r\nC: d\nContent-Length: 3\n\n";
  deepStrictEqual(parse(text).fields, [
    ["a", "b"],
    ["c", "d"],
    ["content-length", "3"],
  ]);
});

Deno.test("bytes beyond ASCII stay as they are, UTF-8 or not", async () => {
  for (
    const value of [
      "\xfc",
      "\xc3\xbc",
      "\xef\xbb\xbf",
      "\xef\xbf\xbd",
      "\x80\xff",
    ]
  ) {
    const bytes = bytesOf(head(`X-A: ${value}`, "B: c"));
    const connection = new Connection(scriptedConn([bytes]), 0);
    const { fields } = await connection.head("GET", new KnownHeads());
    deepStrictEqual(fields, [["x-a", value], ["b", "c"]]);
  }
});

Deno.test("the framing, by method, status and fields (RFC 9112 section 6.3)", () => {
  const cases: [
    line: string,
    fields: string[],
    framing: string | number,
    keepAlive: boolean,
    method?: string,
  ][] = [
    ["HTTP/1.1 200 OK", ["Content-Length: 5"], 5, true],
    ["HTTP/1.1 200 OK", ["Content-Length: 0"], "none", true],
    ["HTTP/1.1 200 OK", ["Content-Length: 5", "Content-Length: 5"], 5, true],
    ["HTTP/1.1 200 OK", ["Transfer-Encoding: chunked"], "chunked", true],
    ["HTTP/1.1 200 OK", ["Transfer-Encoding: Chunked "], "chunked", true],
    ["HTTP/1.1 200 OK", [], "close", false],
    ["HTTP/1.1 200 OK", ["Connection: close"], "close", false],
    ["HTTP/1.1 200 OK", ["Content-Length: 5", "Connection: close"], 5, false],
    [
      "HTTP/1.1 200 OK",
      ["Content-Length: 5", "Connection: a, Close"],
      5,
      false,
    ],
    [
      "HTTP/1.1 200 OK",
      ["Content-Length: 5", "Connection: a", "connection: close"],
      5,
      false,
    ],
    ["HTTP/1.1 200 OK", ["Content-Length: 5", "Connection: closed"], 5, true],
    ["HTTP/1.0 200 OK", ["Content-Length: 5"], 5, false],
    [
      "HTTP/1.0 200 OK",
      ["Content-Length: 5", "Connection: keep-alive"],
      5,
      true,
    ],
    ["HTTP/1.0 200 OK", ["Connection: keep-alive"], "close", false],
    // A length beside a coding: the coding holds, and the connection is done.
    [
      "HTTP/1.1 200 OK",
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      "chunked",
      false,
    ],
    ["HTTP/1.1 200 OK", ["Content-Length: 5"], "none", false, "HEAD"],
    ["HTTP/1.1 200 OK", ["Transfer-Encoding: chunked"], "none", false, "HEAD"],
    ["HTTP/1.1 200 OK", [], "none", false, "HEAD"],
    ["HTTP/1.1 200 OK", ["Content-Length: 0"], "none", true, "HEAD"],
    ["HTTP/1.1 204 No Content", [], "none", true],
    ["HTTP/1.1 204 No Content", ["Content-Length: 0"], "none", true],
    ["HTTP/1.1 204 No Content", ["Content-Length: 5"], "none", false],
    ["HTTP/1.1 204 No Content", ["Transfer-Encoding: chunked"], "none", false],
    ["HTTP/1.1 304 Not Modified", ["Content-Length: 5"], "none", true],
    [
      "HTTP/1.1 304 Not Modified",
      ["Transfer-Encoding: chunked"],
      "none",
      false,
    ],
    ["HTTP/1.1 205 Reset Content", [], "close", false],
    ["HTTP/1.1 100 Continue", [], "none", true],
    ["HTTP/1.1 103 Early Hints", ["Content-Length: 5"], "none", true],
  ];
  for (const [line, fields, framing, keepAlive, method] of cases) {
    const name = `${method} ${line} ${fields}`;
    const read = parse([line, ...fields, "", ""].join("\r\n"), method);
    const { kind } = read.framing;
    equal(kind === "length" ? read.framing.length : kind, framing, name);
    equal(read.keepAlive, keepAlive, name);
  }
});

Deno.test("lengths and codings that may be read in two ways are refused", () => {
  const cases: [fields: string[], why: string][] = [
    [["Content-Length: 5", "Content-Length: 6"], "two lengths"],
    [["Content-Length: 5", "Content-Length: 05"], "two lengths"],
    [["Content-Length: 5, 5"], "an invalid length"],
    [["Content-Length: +5"], "an invalid length"],
    [["Content-Length: -5"], "an invalid length"],
    [["Content-Length: 5 5"], "an invalid length"],
    [["Content-Length: 0x5"], "an invalid length"],
    [["Content-Length: 5.0"], "an invalid length"],
    [["Content-Length: 1e3"], "an invalid length"],
    [["Content-Length:"], "an invalid length"],
    [["Content-Length: 9999999999999999"], "an invalid length"],
    [["Content-Length: \xb2"], "an invalid length"],
    [["Transfer-Encoding: gzip, chunked"], "transfer coding gzip, chunked"],
    [["Transfer-Encoding: chunked, gzip"], "transfer coding chunked, gzip"],
    [
      ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
      "transfer coding chunked,chunked",
    ],
    [["Transfer-Encoding: identity"], "transfer coding identity"],
    [["Transfer-Encoding: xchunked"], "transfer coding xchunked"],
    [["Transfer-Encoding: chunked;q=1"], "transfer coding chunked;q=1"],
    [["Transfer-Encoding:"], "transfer coding "],
    [["Transfer-Encoding: \xa0chunked"], "transfer coding \xa0chunked"],
  ];
  for (const [fields, why] of cases) {
    for (const method of ["GET", "HEAD"]) {
      equal(outcome(head(...fields), method), why, String(fields));
    }
  }
  const old = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  equal(outcome(old), "transfer coding chunked");
});

Deno.test("the length goes on without leading zeros, and not beside a coding", () => {
  const fields = (...lines: string[]) => parse(head(...lines)).fields;
  deepStrictEqual(fields("Content-Length: 007"), [["content-length", "7"]]);
  deepStrictEqual(fields("Content-Length: 00"), [["content-length", "0"]]);
  deepStrictEqual(fields("Content-Length: 5", "Content-Length: 5"), [
    ["content-length", "5"],
  ]);
  deepStrictEqual(
    fields("Content-Length: 5", "A: b", "Transfer-Encoding: chunked"),
    [["a", "b"]],
  );
  deepStrictEqual(
    parse(head("Content-Length: 012"), "HEAD").fields,
    [["content-length", "12"]],
  );
});

Deno.test("fields of the connection stay there, also those that it names", () => {
  const { fields, upgrade } = parse(head(
    "Connection: X-Hop, upgrade",
    "X-Hop: a",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: close",
    "TE: trailers",
    "Trailer: X-T",
    "Upgrade: h2c",
    "Upgrade: websocket",
    "X-End: b",
    "x-hop: c",
    "Content-Length: 0",
  ));
  deepStrictEqual(fields, [["x-end", "b"], ["content-length", "0"]]);
  equal(upgrade, "h2c,websocket");
  equal(parse(head("Upgrade: websocket")).upgrade, null);
});

Deno.test("a head is found wherever its bytes are cut", async () => {
  const heads = [
    head("A: b", "Content-Length: 3"),
    "HTTP/1.1 200 OK\n\n",
    "HTTP/1.1 200 OK\r\n\n",
    "HTTP/1.1 200 OK\n\r\n",
  ];
  for (const text of heads) {
    const bytes = bytesOf(text + "behind");
    for (let first = 1; first < bytes.length; first++) {
      for (let second = first; second < bytes.length; second += 3) {
        const connection = new Connection(
          scriptedConn([
            bytes.subarray(0, first),
            bytes.subarray(first, second),
            bytes.subarray(second),
          ]),
          0,
        );
        const { status } = await connection.head("GET", new KnownHeads());
        equal(status, 200);
        const ahead = textOf(connection.takeAll());
        ok("behind".startsWith(ahead), `${first} ${second}: ${ahead}`);
      }
    }
  }
});

Deno.test("what came behind a 101 is given away without the memory for heads", async () => {
  const lines = "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n";
  for (const behind of ["", "frame"]) {
    const connection = new Connection(
      scriptedConn([bytesOf(lines + behind)]),
      0,
    );
    await connection.head("GET", new KnownHeads());
    const { ahead } = connection.detach();
    equal(textOf(ahead), behind);
    // A WebSocket may be idle for hours.
    equal(ahead.buffer.byteLength, behind.length);
  }
});

Deno.test("a head that ends too early is the connection's end, however much came", async () => {
  const bytes = bytesOf(head("A: b"));
  for (let length = 0; length < bytes.length; length++) {
    const conn = scriptedConn([bytes.subarray(0, length)]);
    const connection = new Connection(conn, 0);
    const error = await connection.head("GET", new KnownHeads()).catch((it) =>
      it
    );
    ok(error instanceof ConnectionLost, String(error));
    equal(connection.hasBegun, length > 0);
  }
});

Deno.test("something else than HTTP is seen at its first bytes", async () => {
  for (
    const text of ["SSH-2.0-x", "\x15\x03\x01", "HTTX", "\r\nHTTP/1.1 200"]
  ) {
    const connection = new Connection(scriptedConn([bytesOf(text)]), 0);
    const error = await connection.head("GET", new KnownHeads()).catch((it) =>
      it
    );
    equal(error.message, "not HTTP/1.1", text);
  }
  const beginning = bytesOf("HTTP/1.");
  for (let to = 0; to <= beginning.length; to++) {
    ok(mayBeHead(beginning, 0, to));
  }
});

Deno.test("a head of 256 KiB is taken, a longer one refused, whole or not", async () => {
  const filled = (size: number, end: string) => {
    const lines = "HTTP/1.1 200 OK\r\nA: ";
    return bytesOf(lines + "x".repeat(size - lines.length - end.length) + end);
  };
  const read = (bytes: Uint8Array, size: number) => {
    const pieces = [];
    for (let at = 0; at < bytes.length; at += size) {
      pieces.push(bytes.subarray(at, at + size));
    }
    const connection = new Connection(scriptedConn(pieces), 0);
    return connection.head("GET", new KnownHeads()).then(
      ({ fields }) => fields[0]?.[1].length,
      (error) => error.message,
    );
  };
  for (const size of [1_000, 65_536, 1_000_000]) {
    const fits = filled(HEAD_LIMIT, "\r\n\r\n");
    equal(await read(fits, size), HEAD_LIMIT - 24);
    const refused = `its head has more than ${HEAD_LIMIT} bytes`;
    equal(await read(filled(HEAD_LIMIT + 1, "\r\n\r\n"), size), refused);
    equal(await read(filled(2 * HEAD_LIMIT, ""), size), refused);
  }
});

Deno.test("a thousand fields are taken, one more is refused", () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) => `x-${i}: ${i}`);
  equal(parse(head(...lines(FIELDS_LIMIT))).fields.length, FIELDS_LIMIT);
  equal(outcome(head(...lines(FIELDS_LIMIT + 1))), "more than 1000 fields");
});
