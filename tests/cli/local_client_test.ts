/**
 * Which answers `health` and `reload` believe: the other side may be any
 * program that has the port, and may lie, stall or break off.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  ask,
  InvalidResponse,
  NoResponse,
} from "../../lib/cli/local_client.ts";
import { configProof } from "../../lib/cli/reload_protocol.ts";
import { rawUpstream } from "../support/raw_upstream.ts";
import { command } from "../support/terminal.ts";

const HEAD = ["TRACE / HTTP/1.1"];

const MIB = 1024 * 1024;

/** Asks a server that writes these parts, and then closes the connection. */
async function answered(...parts: string[]) {
  await using server = rawUpstream(async (connection) => {
    await connection.readHead();
    for (const part of parts) {
      await connection.write(part);
      // Each in its own packet.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  const { status, headers, body } = await ask(
    addressOf(server.port),
    HEAD,
    5_000,
  );
  return { status, headers, text: new TextDecoder().decode(body) };
}

function addressOf(port: number) {
  return { transport: "tcp", hostname: "127.0.0.1", port } as const;
}

Deno.test("a response is read to its length, or else to its end", async () => {
  const fields = "HTTP/1.1 200 OK\r\nA: 1\r\nb:2 \r\n";
  const bounded = await answered(`${fields}Content-Length: 2\r\n\r\nhi`);
  assert.equal(bounded.status, 200);
  assert.deepEqual([...bounded.headers], [
    ["a", "1"],
    ["b", "2"],
    ["content-length", "2"],
  ]);
  assert.equal(bounded.text, "hi");
  const open = await answered("HTTP/1.0 ", "499\r", "\n\r", "\nh", "i");
  assert.deepEqual([open.status, open.text], [499, "hi"]);
  const empty = await answered("HTTP/1.1 204 \r\nx: \r\n\r\n");
  assert.deepEqual([empty.status, empty.text], [204, ""]);
});

Deno.test("a response with a length is not waited for to its end", async () => {
  const release = Promise.withResolvers<void>();
  await using server = rawUpstream(async (connection) => {
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    await release.promise;
  });
  const { body } = await ask(addressOf(server.port), HEAD, 20_000);
  release.resolve();
  assert.equal(body.length, 2);
});

const LIES: [what: string, parts: string[], reason: RegExp][] = [
  ["nothing at all", [""], /does not speak HTTP/],
  ["another protocol", ["220 mail.example ESMTP\r\n\r\n"], /not speak HTTP/],
  ["a head that is cut", ["HTTP/1.1 200 OK\r\na: 1\r\n"], /not speak HTTP/],
  ["a head without end", ["HTTP/1.1 200 OK\r\na: ", "x".repeat(MIB)], /HTTP/],
  ["HTTP/2", ["HTTP/2 200 OK\r\n\r\n"], /does not speak HTTP/],
  ["a status of two digits", ["HTTP/1.1 20 OK\r\n\r\n"], /not speak HTTP/],
  ["status 999", ["HTTP/1.1 999 x\r\n\r\n"], /not speak HTTP/],
  ["an interim response", ["HTTP/1.1 101 x\r\n\r\n"], /not speak HTTP/],
  ["an escape in the reason", ["HTTP/1.1 200 \x1b[1m\r\n\r\n"], /HTTP/],
  ["bare line feeds", ["HTTP/1.1 200 OK\na: 1\n\n"], /not speak HTTP/],
  ["a space before the colon", ["HTTP/1.1 200 OK\r\na : 1\r\n\r\n"], /header/],
  ["a folded header", ["HTTP/1.1 200 OK\r\na: 1\r\n b\r\n\r\n"], /header/],
  ["a NUL", ["HTTP/1.1 200 OK\r\na: \0\r\n\r\n"], /header/],
  [
    "chunks",
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    /Transfer-Encoding/,
  ],
  [
    "a body that is cut",
    ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"],
    /closed the connection within its answer/,
  ],
  [
    "more than its length",
    ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhi"],
    /more than its Content-Length/,
  ],
  [
    "a length that is none",
    ["HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nh"],
    /invalid Content-Length/,
  ],
  [
    "two lengths",
    ["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nh"],
    /invalid Content-Length/,
  ],
  [
    "a length of a gigabyte",
    ["HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"],
    /more than 1048576 bytes/,
  ],
  [
    "a body without end",
    ["HTTP/1.1 200 OK\r\n\r\n", "x".repeat(MIB), "x".repeat(MIB)],
    /more than 1048576 bytes/,
  ],
];

for (const [what, parts, reason] of LIES) {
  Deno.test(`not believed: ${what}`, async () => {
    await assert.rejects(answered(...parts), (error) => {
      assert(error instanceof InvalidResponse, String(error));
      assert.match(error.message, reason);
      return true;
    });
  });
}

for (
  const [what, part] of [
    ["before its head", ""],
    ["within its head", "HTTP/1.1 200"],
    ["within its body", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi"],
  ] as const
) {
  Deno.test(`an answer that stalls ${what} is given up`, async () => {
    await using server = rawUpstream(async (connection) => {
      await connection.write(part);
      // Until the client closes.
      await connection.readToEnd();
    });
    await assert.rejects(ask(addressOf(server.port), HEAD, 100), NoResponse);
  });
}

/** What `reload` does about a server that answers with this body. */
async function reloadAt(body: string, type = "application/json") {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(path, "locations: {/: http://a:81}\n");
  const bytes = new TextEncoder().encode(body);
  await using server = rawUpstream(async (connection) => {
    const head = await connection.readHead();
    assert(head.startsWith("RELOAD / HTTP/1.1\r\n"));
    assert(head.includes(await configProof(path)));
    await connection.write(
      `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n` +
        `content-length: ${bytes.length}\r\n\r\n` +
        String.fromCharCode(...bytes),
    );
  });
  const listen = `127.0.0.1:${server.port}`;
  const done = await command("reload", "-c", path, "--listen", listen);
  await Deno.remove(path);
  return { ...done, path, listen };
}

const problem = { file: "f", path: "p", message: "m" };

Deno.test("an outcome is printed, with its exit code", async () => {
  const cases: [outcome: unknown, code: number, text: string][] = [
    [{ kind: "done", message: "ok", later: 1 }, 0, "ok\n"],
    [{ kind: "unreadable", message: "gone" }, 2, "sameorigin: gone\n"],
    [{ kind: "failed", message: "in use" }, 1, "sameorigin: in use\n"],
    [{ kind: "problems", problems: [problem] }, 2, "f: p: m\n"],
    [
      {
        kind: "problems",
        problems: [{ ...problem, line: 1, column: 2, snippet: "1 | a\n  ^" }],
      },
      2,
      "f:1:2: p: m\n1 | a\n  ^\n",
    ],
  ];
  for (const [outcome, code, text] of cases) {
    const done = await reloadAt(JSON.stringify(outcome));
    assert.equal(done.code, code);
    const unchanged = code === 0
      ? ""
      : "sameorigin: the proxy keeps running with the config it has\n";
    assert.equal(done.output + done.notes, text + unchanged);
  }
});

Deno.test("a JSON answer that is no outcome is a failure that says so", async () => {
  const lies = [
    "",
    "null",
    "7",
    "[]",
    "{}",
    '{"kind":"done"}',
    '{"kind":"done","message":7}',
    '{"kind":"problems"}',
    '{"kind":"problems","problems":[]}',
    '{"kind":"problems","problems":{}}',
    '{"kind":"problems","problems":[null]}',
    JSON.stringify({ kind: "problems", problems: [{ ...problem, line: "1" }] }),
    JSON.stringify({
      kind: "problems",
      problems: [{ ...problem, line: 1e99 }],
    }),
    JSON.stringify({
      kind: "problems",
      problems: [{ ...problem, file: null }],
    }),
    '{"kind":"failed"}',
    '{"kind":"other","message":"m"}',
    '{"kind":"done","message":"ok"} ...',
  ];
  for (const lie of lies) {
    const { code, output, notes, listen } = await reloadAt(lie);
    assert.equal(code, 1, lie);
    assert.equal(output, "");
    assert(
      notes.startsWith(
        `sameorigin: not reloaded: ${listen} answers with JSON that this ` +
          "version of sameorigin does not know\n",
      ),
      notes,
    );
  }
});

Deno.test("an outcome is believed only as application/json", async () => {
  const body = JSON.stringify({ kind: "done", message: "ok" });
  for (const type of ["text/html", "application/json5", ""]) {
    const { code, output, notes, listen, path } = await reloadAt(body, type);
    assert.equal(code, 1);
    assert.equal(output, "");
    assert(
      notes.startsWith(
        `sameorigin: not reloaded: ${listen} is not a sameorigin that runs ` +
          `with ${path}\n`,
      ),
      notes,
    );
  }
});

Deno.test("what an outcome says can't control the terminal", async () => {
  const evil = "a\x1b[2Jb\x9b1mc\rd\ne\x07\x7f\u202ef\u2028g";
  const clean = "a [2Jb 1mc d e   f g";
  const done = await reloadAt(JSON.stringify({ kind: "done", message: evil }));
  assert.equal(done.output, `${clean}\n`);
  for (const kind of ["unreadable", "failed"]) {
    const { notes } = await reloadAt(JSON.stringify({ kind, message: evil }));
    assert(notes.startsWith(`sameorigin: ${clean}\n`), notes);
  }
  const problems = [{
    file: evil,
    path: evil,
    message: evil,
    line: 1,
    snippet: `1 | ${evil}`,
  }];
  const { notes } = await reloadAt(
    JSON.stringify({ kind: "problems", problems }),
  );
  const snippet = "1 | a [2Jb 1mc d\ne   f g";
  assert(
    notes.startsWith(`${clean}:1: ${clean}: ${clean}\n${snippet}\n`),
    JSON.stringify(notes),
  );
});
