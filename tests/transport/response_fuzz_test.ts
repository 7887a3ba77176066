/**
 * A server whose responses are broken at random, over real connections: each
 * request ends with an answer of its own or with an error, in time.
 */
import { FULL } from "../support/full.ts";
import { ok, strictEqual as equal } from "node:assert/strict";
import { UpstreamError } from "../../lib/transport/errors.ts";
import {
  BodyBroken,
  type UpstreamResponse,
} from "../../lib/transport/transport.ts";
import { rawUpstream } from "../support/raw_upstream.ts";
import { soon } from "../support/soon.ts";
import { sendBy, textOfBody, transportTo } from "./http1_fixture.ts";

/** `SAMEORIGIN_FULL=1` asks for them all. */
const COUNT = FULL ? 100_000 : 4_000;
const SEED = 20_261_126;
/** Requests at a time. */
const CLIENTS = 32;
/** Milliseconds for a head, and between two parts of a body. */
const PATIENCE = 150;

/** Numbers from 0 to 2^32 - 1, the same for the same seed (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * What a request's own answer says, and no other. Two are so far apart that no
 * mutation makes one of another.
 */
function markOf(index: number): string {
  const text = (generator(index)(2 ** 32)).toString(36).padStart(7, "0");
  return `mark-${text}-`;
}
const MARKS = /mark-\w{7}-/g;

/** Right responses, by the mark that they carry in their fields and body. */
const RESPONSES: readonly ((mark: string) => string)[] = [
  (m) => `HTTP/1.1 200 OK\r\nX-Mark: ${m}\r\nContent-Length: 13\r\n\r\n${m}`,
  (m) =>
    `HTTP/1.1 200 OK\r\nX-Mark: ${m}\r\nTransfer-Encoding: chunked\r\n\r\n` +
    `5\r\n${m.slice(0, 5)}\r\n8;a=b\r\n${m.slice(5)}\r\n0\r\nX-T: ${m}\r\n\r\n`,
  (m) => `HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n${m}`,
  (m) => `HTTP/1.0 200 OK\r\nX-Mark: ${m}\r\n\r\n${m}`,
  (m) => `HTTP/1.1 204 No Content\r\nX-Mark: ${m}\r\n\r\n`,
  (m) => `HTTP/1.1 304 Not Modified\r\nETag: "${m}"\r\n\r\n`,
  (m) =>
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <${m}>\r\n\r\n` +
    `HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n${m}`,
];

/** What is put in: it changes what the bytes around it mean. */
const INSERTS = [
  ..."\0\t\n\r :;,\x7f\xff0a",
  ...[
    "\r\n",
    "\r\n\r\n",
    "\n\n",
    "\r\n ",
    "0\r\n\r\n",
    "Connection: close\r\n",
  ],
  ...[
    "Content-Length: 3\r\n",
    "Content-Length: 99\r\n",
    "Content-Length: -1\r\n",
  ],
  ...["Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n"],
  ...[
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "ffffffffffff",
    "x".repeat(70_000),
  ],
];

/** Changes a text in one place. */
function mutate(text: string, random: (below: number) => number): string {
  const at = random(text.length + 1);
  const to = Math.min(text.length, at + 1 + random(12));
  switch (random(5)) {
    case 0:
      return text.slice(0, at) + text.slice(to);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random(256)) +
        text.slice(at + 1);
    case 2:
      return text.slice(0, to) + text.slice(at);
    case 3:
      return text.slice(0, at);
    default:
      return text.slice(0, at) + INSERTS[random(INSERTS.length)] +
        text.slice(at);
  }
}

/** What became of one request. */
interface Outcome {
  readonly failed: boolean;
  readonly text: string;
}

async function outcome(sent: Promise<UpstreamResponse>): Promise<Outcome> {
  try {
    const response = await sent;
    const { status, statusText, fields } = response;
    const text = `${status} ${statusText} ${JSON.stringify(fields)}`;
    return { failed: false, text: text + (await textOfBody(response) ?? "") };
  } catch (error) {
    const isClean = error instanceof UpstreamError ||
      error instanceof BodyBroken;
    ok(isClean, `not an error of the server: ${error}`);
    return { failed: true, text: error.message };
  }
}

Deno.test(`${COUNT} broken responses: each request ends, in time, and with nothing of another's answer`, async () => {
  const random = generator(SEED);
  /** Of all requests so far. */
  const marks = new Set<string>();
  /** How the answer to each request is to be. */
  const answers = new Map<string, { text: string; closes: boolean }>();
  const open = new Set<Promise<void>>();
  await using server = rawUpstream(async (connection) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    open.add(promise);
    try {
      while (true) {
        const head = await connection.readHead();
        const answer = answers.get(head.slice(4, head.indexOf(" ", 4)));
        ok(answer);
        await connection.write(answer.text);
        if (answer.closes) return;
      }
    } finally {
      resolve();
      open.delete(promise);
    }
  });
  let failures = 0;
  {
    using to = transportTo(server.port);
    let next = 0;
    const client = async () => {
      while (next < COUNT) {
        const index = next++;
        const mark = markOf(index);
        marks.add(mark);
        const right = RESPONSES[random(RESPONSES.length)]!(mark);
        const isWhole = random(8) === 0;
        let text = right;
        for (let n = isWhole ? 0 : 1 + random(3); n > 0; n--) {
          text = mutate(text, random);
        }
        const endsByClose = !/Content-Length: 13|chunked| 204 | 304 /.test(
          right,
        );
        const closes = isWhole ? endsByClose : random(4) > 0;
        const target = `/${index}`;
        answers.set(target, { text, closes });
        const begun = performance.now();
        const { failed, text: got } = await outcome(
          sendBy(to.transport, {
            target,
            timeouts: { connect: 10_000, head: PATIENCE, body: PATIENCE },
          }),
        );
        answers.delete(target);
        const shown = () => `${JSON.stringify(text.slice(0, 500))}: ${got}`;
        for (const [found] of got.matchAll(MARKS)) {
          ok(found === mark || !marks.has(found), shown());
        }
        if (isWhole) {
          ok(!failed && got.includes(mark) || / 204 /.test(right), shown());
        }
        // Each part has its time; a body in single bytes would have more of them.
        ok(performance.now() - begun < 10_000, shown());
        if (failed) failures++;
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    equal(to.deadlines.running, 0, "time-outs that still run");
  }
  ok(failures > COUNT / 10 && failures < COUNT * 0.9, `${failures} failures`);
  equal(answers.size, 0);
  await soon("the server sees the end of each connection", Promise.all(open));
});
