/**
 * The kinds of HTTP clients of the soak: good ones, of whose requests none may
 * fail, and those that come only to leave.
 *
 * @module
 */
import { type Crowd, Tally } from "./crowd.ts";
import { close } from "./gate.ts";
import {
  type Answer,
  connect,
  Connection,
  headOf,
  write,
} from "./http_client.ts";
import { LARGE } from "./server.ts";

/** The largest body that the proxy takes, as its config says. */
export const BODY_LIMIT = 200_000;

const body = new Uint8Array(50_000).fill(98);
const small = body.subarray(0, 2_000);

/** The same body in chunks of 10 kB, as HTTP/1.1 writes it. */
function* chunked(size: number): Generator<string | Uint8Array> {
  for (let left = size; left > 0; left -= 10_000) {
    yield "2710\r\n";
    yield body.subarray(0, 10_000);
    yield "\r\n";
  }
  yield "0\r\n\r\n";
}

const withLength = (bytes: Uint8Array) => `content-length: ${bytes.length}`;

function check(answer: Answer, status: number, text: string | null): void {
  if (answer.status !== status) throw new Error(`status ${answer.status}`);
  if (text !== null && answer.text !== text) throw new Error("wrong body");
}

/**
 * Adds them all.
 *
 * @param port The proxy's, whose `/group` fails now and then and `/steady` does
 * not.
 */
export function addHttpClients(crowd: Crowd, port: number): void {
  /** Those that keep their connection. */
  const kept = (once: (connection: Connection) => Promise<void>) => () => {
    let connection: Connection | null = null;
    crowd.whenLeft(() => connection?.[Symbol.dispose]());
    return async () => {
      // One that the proxy has closed while it was idle has lost nothing.
      if (connection === null || connection.ended) {
        connection?.[Symbol.dispose]();
        connection = await Connection.open(port);
      }
      await once(connection);
    };
  };
  /** Those that come for one thing each. */
  const fleeting =
    (once: (connection: Deno.TcpConn) => Promise<void>) => () => async () => {
      const connection = await connect(port);
      try {
        await once(connection);
      } finally {
        close(connection);
      }
    };

  crowd.add(
    new Tally("GET of a group whose servers fail", true),
    16,
    70,
    kept(async (connection) => {
      check(await connection.ask(headOf("GET", "/group/x")), 200, "small");
    }),
  );
  crowd.add(
    new Tally("PUT of 2 kB to that group", true),
    4,
    80,
    kept(async (connection) => {
      const head = headOf("PUT", "/group/x", withLength(small));
      check(await connection.ask(head, small), 200, String(small.length));
    }),
  );
  crowd.add(
    new Tally("POST of 2 kB to that group", false),
    2,
    100,
    kept(async (connection) => {
      const head = headOf("POST", "/group/x", withLength(small));
      check(await connection.ask(head, small), 200, String(small.length));
    }),
  );
  crowd.add(
    new Tally("GET, a connection each", true),
    8,
    160,
    () => async () => {
      using connection = await Connection.open(port);
      const head = headOf("GET", "/group/x", "connection: close");
      check(await connection.ask(head), 200, "small");
    },
  );
  crowd.add(
    new Tally("POST of 50 kB with a length", true),
    4,
    130,
    kept(async (connection) => {
      const head = headOf("POST", "/steady/x", withLength(body));
      check(await connection.ask(head, body), 200, String(body.length));
    }),
  );
  crowd.add(
    new Tally("POST of 20 kB in chunks", true),
    4,
    130,
    kept(async (connection) => {
      const head = headOf("POST", "/steady/x", "transfer-encoding: chunked");
      check(await connection.ask(head, ...chunked(20_000)), 200, "20000");
    }),
  );
  crowd.add(
    new Tally("GET of 1 MB", true),
    2,
    400,
    kept(async (connection) => {
      const answer = await connection.ask(headOf("GET", "/steady/large"));
      check(answer, 200, null);
      if (answer.length !== LARGE) throw new Error("wrong length");
    }),
  );
  crowd.add(
    new Tally("too long a body: 413", true),
    2,
    300,
    () => async () => {
      using connection = await Connection.open(port);
      const length = `content-length: ${BODY_LIMIT + 1}`;
      check(
        await connection.ask(headOf("POST", "/steady/x", length)),
        413,
        null,
      );
    },
  );
  crowd.add(
    new Tally("the same in chunks: 413 or cut", true),
    2,
    500,
    fleeting(async (connection) => {
      const chunks = chunked(BODY_LIMIT + 10_000);
      const head = headOf("POST", "/steady/x", "transfer-encoding: chunked");
      const answer = statusOf(connection);
      try {
        for (const piece of [head, ...chunks]) await write(connection, piece);
      } catch {
        // Refused in the middle.
      }
      const status = await answer;
      if (status !== 413 && status !== 0) throw new Error(`status ${status}`);
    }),
  );
  crowd.add(
    new Tally("stream of events, left", true),
    20,
    500,
    fleeting(async (connection) => {
      await write(connection, headOf("GET", "/steady/events"));
      const chunk = new Uint8Array(4_096);
      const end = performance.now() + Math.random() * 4_000;
      while (performance.now() < end && !crowd.isLeaving) {
        if (await connection.read(chunk) === null) throw new Error("it ended");
      }
    }),
  );
  crowd.add(
    new Tally("GET of 1 MB, left in the middle", true),
    4,
    500,
    fleeting(async (connection) => {
      await write(connection, headOf("GET", "/steady/large"));
      const chunk = new Uint8Array(65_536);
      for (let i = Math.random() * 8; i > 0; i--) await connection.read(chunk);
    }),
  );
  crowd.add(
    new Tally("GET of 1 MB, read slowly", true),
    5,
    1_000,
    fleeting(async (connection) => {
      await write(connection, headOf("GET", "/steady/large"));
      const chunk = new Uint8Array(32_768);
      let got = 0;
      while (got < LARGE && !crowd.isLeaving) {
        const count = await connection.read(chunk);
        if (count === null) throw new Error("cut short");
        got += count;
        await crowd.pause(100);
      }
    }),
  );
  crowd.add(
    new Tally("POST, left in the middle of its body", true),
    4,
    400,
    fleeting(async (connection) => {
      const framing = Math.random() < 0.5
        ? withLength(body)
        : "transfer-encoding: chunked";
      await write(connection, headOf("POST", "/steady/x", framing));
      const part = framing.startsWith("content")
        ? body.subarray(0, Math.random() * 40_000)
        : "2710\r\nonly this";
      await write(connection, part);
      await crowd.pause(Math.random() * 300);
    }),
  );
  crowd.add(
    new Tally("POST of 50 kB, sent slowly", true),
    4,
    1_000,
    kept(async (connection) => {
      const head = headOf("POST", "/steady/x", withLength(body));
      const part = Math.ceil(body.length / 20);
      const sender = async function* () {
        yield head;
        for (let at = 0; at < body.length; at += part) {
          await crowd.pause(50);
          yield body.subarray(at, at + part);
        }
      };
      check(await connection.askOf(sender()), 200, String(body.length));
    }),
  );
  crowd.add(
    new Tally("a head that never ends", true),
    4,
    500,
    fleeting(async (connection) => {
      await write(connection, "GET /group/x HTTP/1.1\r\nhost: so");
      await crowd.pause(Math.random() * 2_000);
    }),
  );
}

/** The status of what comes, 0 if nothing does. */
async function statusOf(connection: Deno.Conn): Promise<number> {
  const chunk = new Uint8Array(1_024);
  try {
    const count = await connection.read(chunk) ?? 0;
    const text = new TextDecoder().decode(chunk.subarray(0, count));
    return Number(text.slice(9, 12));
  } catch {
    return 0;
  }
}
