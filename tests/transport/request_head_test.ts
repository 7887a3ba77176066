/** The head of a request, as it is written. */
import { strictEqual as equal, throws } from "node:assert/strict";
import fc from "fast-check";
import type { Field } from "../../lib/exchange/fields.ts";
import { encodeHead } from "../../lib/transport/http1/request_head.ts";
import type { UpstreamRequest } from "../../lib/transport/transport.ts";
import { bodyOf } from "./http1_fixture.ts";
import { textOf } from "./scripted_conn.ts";

type Headed = Parameters<typeof encodeHead>[0];

const ROOM = new Uint8Array(1_000);

/** The head of a GET of `/`, but for what is given. */
function encoded(
  request: Partial<UpstreamRequest>,
  closes = false,
  room: Uint8Array<ArrayBuffer> = ROOM,
): string {
  const whole: Headed = {
    method: "GET",
    target: "/",
    fields: [["host", "x"]],
    body: null,
    upgrade: null,
    ...request,
  };
  return textOf(encodeHead(whole, closes, room));
}

const inChunks = bodyOf([], null);
const ofFive = bodyOf([], 5);

Deno.test("line, fields in their order and number, framing of the proxy's own", () => {
  equal(encoded({}), "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  equal(
    encoded({}, true),
    "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  );
  equal(
    encoded({
      method: "M-SEARCH",
      target: "/a?b=%20|\xfc",
      fields: [["b", "2"], ["a", "1\t \xff"], ["b", ""]],
    }),
    "M-SEARCH /a?b=%20|\xfc HTTP/1.1\r\nb: 2\r\na: 1\t \xff\r\nb: \r\n\r\n",
  );
  equal(
    encoded({ method: "POST", body: inChunks }),
    "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
  );
  equal(
    encoded({
      method: "POST",
      body: ofFive,
      fields: [["content-length", "5"]],
    }),
    "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\n",
  );
  equal(
    encoded({ upgrade: "websocket" }, true),
    "GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n",
  );
});

Deno.test("a head that does not fit into the room has an array of its own", () => {
  const fields: Field[] = [["a", "x".repeat(100)]];
  for (let size = 0; size < 200; size++) {
    const room = new Uint8Array(size);
    const head = encodeHead(
      { method: "GET", target: "/", fields, body: null, upgrade: null },
      false,
      room,
    );
    equal(textOf(head), encoded({ fields }));
    equal(head.buffer === room.buffer, size >= head.length);
  }
});

Deno.test("nothing in a head can end it, or begin another", () => {
  const codes = [
    0,
    1,
    0x0a,
    0x0b,
    0x0d,
    0x1f,
    0x7f,
    0x100,
    0x10a,
    0x10d,
    0xd83d,
  ];
  for (const code of codes) {
    const bad = `a${String.fromCharCode(code)}b`;
    throws(() => encoded({ method: bad }), TypeError);
    throws(() => encoded({ target: `/${bad}` }), TypeError);
    throws(() => encoded({ fields: [["x", bad]] }), TypeError);
    throws(() => encoded({ fields: [[bad, "x"]] }), TypeError);
  }
  for (const space of [" ", "\t"]) {
    throws(() => encoded({ method: `GET${space}` }), TypeError);
    throws(() => encoded({ target: `/${space}HTTP/1.0` }), TypeError);
    throws(() => encoded({ fields: [[`x${space}`, "y"]] }), TypeError);
  }
});

Deno.test("any head has one line for each field, and one empty line", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 0x180 }).map((it) =>
      String.fromCharCode(it)
    ),
    maxLength: 8,
  });
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 4 }), (target, values) => {
      let head;
      const fields = values.map((it): Field => ["x", it]);
      try {
        head = encoded({ target: `/${target}`, fields });
      } catch (error) {
        if (error instanceof TypeError) return;
        throw error;
      }
      const lines = [
        "GET /" + target + " HTTP/1.1",
        ...values.map((it) => "x: " + it),
      ];
      equal(head, lines.join("\r\n") + "\r\n\r\n");
      equal(head.split(/[\r\n]+/).length, lines.length + 1);
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("the length is the body's, once, without leading zeros", () => {
  const withLength = (...values: string[]) => ({
    fields: values.map((it): Field => ["content-length", it]),
  });
  equal(
    encoded({ ...withLength("0005"), body: ofFive }),
    "GET / HTTP/1.1\r\ncontent-length: 5\r\n\r\n",
  );
  equal(
    encoded(withLength("0")),
    "GET / HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
  );
  // A client that names it in `Connection` has it dropped on the way here.
  equal(
    encoded({ ...withLength(), body: ofFive }),
    "GET / HTTP/1.1\r\ncontent-length: 5\r\n\r\n",
  );
  for (
    const request of [
      { ...withLength("4"), body: ofFive },
      { ...withLength("5x"), body: ofFive },
      { ...withLength("0x5"), body: ofFive },
      { ...withLength("5", "5"), body: ofFive },
      { ...withLength("5"), body: inChunks },
      withLength("5"),
      withLength(""),
      withLength("0", "0"),
    ]
  ) {
    throws(() => encoded(request), TypeError, JSON.stringify(request.fields));
  }
  const coding: Field[] = [["transfer-encoding", "chunked"]];
  for (const body of [null, inChunks, ofFive]) {
    throws(() => encoded({ fields: coding, body }), TypeError);
  }
});
