/**
 * How often a request reaches a server that closes its connection, counted
 * there, for every order of closing.
 */
import { deepStrictEqual, strictEqual as equal } from "node:assert/strict";
import type { UpstreamError } from "../../lib/transport/errors.ts";
import type { RequestBody } from "../../lib/transport/request_body.ts";
import { type RawConnection, rawUpstream } from "../support/raw_upstream.ts";
import { soon } from "../support/soon.ts";
import {
  bodyOf,
  type TestTransport,
  textOfBody,
  transportTo,
} from "./http1_fixture.ts";
import { bytesOf } from "./scripted_conn.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/** Bytes of the bodies that are sent. */
const SIZE = 100_000;

/** What a server does to the second request of its first connection. */
interface Closing {
  readonly name: string;
  /** Reads, or answers, as far as it goes; then the connection is closed. */
  readonly act: (connection: RawConnection, hasBody: boolean) => Promise<void>;
  /** Whether a byte of the response has been sent. */
  readonly hasBegun?: boolean;
}

const readAll = async (connection: RawConnection, hasBody: boolean) => {
  const head = await connection.readHead();
  if (!hasBody) return;
  if (/content-length/.test(head)) await connection.readExactly(SIZE);
  else await connection.readUntil("0\r\n\r\n");
};

const CLOSINGS: readonly Closing[] = [
  { name: "at its first byte", act: () => Promise.resolve() },
  {
    name: "when the head has been read",
    act: async (connection) => {
      await connection.readHead();
    },
  },
  {
    name: "in the middle of the body",
    act: async (connection, hasBody) => {
      await connection.readHead();
      if (hasBody) await connection.readExactly(SIZE / 2);
    },
  },
  { name: "when all has been read", act: readAll },
  {
    name: "when it has closed its half",
    act: async (connection, hasBody) => {
      await readAll(connection, hasBody);
      await connection.conn.closeWrite();
      await connection.readToEnd();
    },
  },
  {
    name: "behind the first byte of a head",
    act: async (connection, hasBody) => {
      await readAll(connection, hasBody);
      await connection.write("H");
    },
    hasBegun: true,
  },
  {
    name: "in the middle of a head",
    act: async (connection, hasBody) => {
      await readAll(connection, hasBody);
      await connection.write(OK.slice(0, 30));
    },
    hasBegun: true,
  },
];

const bodies: readonly ((it: TestTransport) => RequestBody | null)[] = [
  () => null,
  (it) => bodyOf([bytesOf("x".repeat(SIZE))], SIZE, it.deadlines),
  (it) =>
    bodyOf(
      Array.from({ length: 10 }, () => bytesOf("x".repeat(SIZE / 10))),
      null,
      it.deadlines,
    ),
];

/** A server that answers all requests but the second one of its first connection. */
function closing(
  { act }: Closing,
  hasBody: boolean,
  seen: string[],
  reset: boolean,
) {
  return rawUpstream(async (connection, index) => {
    for (let count = 0;; count++) {
      if (index === 0 && count === 1) {
        await connection.read();
        seen.push("begun");
        await act(connection, hasBody);
        // What was not read makes a reset of the end of a connection.
        if (!reset) await drained(connection);
        return;
      }
      await readAll(connection, hasBody && !(index === 0 && count === 0));
      seen.push("answered");
      await connection.write(OK);
    }
  });
}

/** Reads what has come, so that the connection ends without a reset. */
async function drained({ conn }: RawConnection): Promise<void> {
  await conn.closeWrite().catch(() => {});
  const buffer = new Uint8Array(65_536);
  while (await conn.read(buffer).catch(() => null) !== null);
}

for (const reset of [true, false]) {
  Deno.test(`a connection that was kept and closes under a request, ${reset ? "by a reset" : "orderly"}: a POST is sent once, an idempotent request once more`, async () => {
    for (const method of ["GET", "PUT", "DELETE", "POST", "PATCH", "LOCK"]) {
      const isIdempotent = ["GET", "PUT", "DELETE"].includes(method);
      for (const step of CLOSINGS) {
        for (const makeBody of bodies) {
          using probe = transportTo(1);
          const hasBody = makeBody(probe) !== null;
          const name = `${method} ${hasBody} ${step.name}`;
          const seen: string[] = [];
          await using server = closing(step, hasBody, seen, reset);
          using it = transportTo(server.port);
          equal(await textOfBody(await it.send()), "ok");
          const body = makeBody(it);
          const result = await soon(
            name,
            it.send({ method, body }).then(textOfBody, (error) => error),
          );
          body?.close();
          const isRepeated = isIdempotent && step.hasBegun !== true;
          if (isRepeated) equal(result, "ok", name);
          else {
            equal((result as UpstreamError).failure, "closed", name);
            equal((result as UpstreamError).sent, true, name);
          }
          deepStrictEqual(
            seen,
            ["answered", "begun", ...isRepeated ? ["answered"] : []],
            name,
          );
          equal(it.deadlines.running, 0, name);
        }
      }
    }
  });
}

Deno.test("a connection that its server closes while it is idle is not used: a POST goes over another one", async () => {
  const seen: string[] = [];
  await using server = rawUpstream(async (connection, index) => {
    seen.push((await connection.readHead()).slice(0, 4) + index);
    await connection.write(OK);
    // It does not say so.
  });
  using it = transportTo(server.port);
  for (let i = 0; i < 20; i++) {
    equal(await textOfBody(await it.send({ method: "POST" })), "ok");
    while (it.transport.pool.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  deepStrictEqual(seen, Array.from({ length: 20 }, (_, i) => `POST${i}`));
});

Deno.test("a connection that closes right behind each answer costs no GET, and no POST twice", async () => {
  const seen = new Map<string, number>();
  await using server = rawUpstream(async (connection) => {
    const [, path = ""] = (await connection.readHead()).split(" ");
    seen.set(path, (seen.get(path) ?? 0) + 1);
    await connection.write(OK);
  });
  using it = transportTo(server.port);
  let lost = 0;
  for (let i = 0; i < 300; i++) {
    const method = i % 2 === 0 ? "GET" : "POST";
    const target = `/${i}`;
    // At once behind the answer before it: the end may cross it.
    const result = await it.send({ method, target }).then(
      textOfBody,
      (error: UpstreamError) => error.failure,
    );
    if (method === "GET") equal(result, "ok");
    else if (result !== "ok") {
      equal(result, "closed");
      lost++;
    }
  }
  for (const [path, count] of seen) equal(count, 1, path);
  equal(seen.size, 300 - lost);
});

Deno.test("a new connection that closes under a request is no reason to send it again", async () => {
  const seen: string[] = [];
  await using server = rawUpstream(async (connection) => {
    seen.push((await connection.readHead()).slice(0, 3));
  });
  using it = transportTo(server.port);
  for (const method of ["GET", "PUT"]) {
    const error = await it.send({ method }).catch((it) => it);
    equal(error.failure, "closed");
  }
  deepStrictEqual(seen, ["GET", "PUT"]);
});

Deno.test("where the second connection closes too, that is the end", async () => {
  let count = 0;
  await using server = rawUpstream(async (connection, index) => {
    await connection.readHead();
    if (index === 0) {
      await connection.write(OK);
      await connection.readHead();
    }
    count++;
  });
  using it = transportTo(server.port);
  await it.send();
  const error = await it.send().catch((it) => it);
  equal(error.failure, "closed");
  equal(count, 2);
});

Deno.test("a body is sent again from its beginning, one that is no longer all there not at all", async () => {
  for (const [size, isKept] of [[200_000, true], [1_000_000, false]] as const) {
    const lengths: number[] = [];
    await using server = rawUpstream(async (connection, index) => {
      if (index === 0) {
        await connection.readHead();
        await connection.write(OK);
      }
      await connection.readHead();
      const body = await connection.readExactly(index === 0 ? size / 2 : size);
      lengths.push(body.replaceAll("x", "").length || body.length);
      if (index > 0) await connection.write(OK);
    });
    using it = transportTo(server.port);
    await it.send();
    const pieces = Array.from(
      { length: 10 },
      () => bytesOf("x".repeat(size / 10)),
    );
    const body = bodyOf(pieces, size, it.deadlines);
    const result = await it.send({ method: "PUT", body }).then(
      textOfBody,
      (error: UpstreamError) => error.failure,
    );
    body.close();
    equal(result, isKept ? "ok" : "closed");
    deepStrictEqual(lengths, isKept ? [size / 2, size] : [size / 2]);
  }
});
