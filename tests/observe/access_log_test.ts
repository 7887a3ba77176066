import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { escapeField } from "../../lib/config/log_template.ts";
import {
  createAccessLog,
  type LoggedRequest,
} from "../../lib/observe/access_log.ts";

function context(
  uri = "/x?y",
  headers: Record<string, string> = {},
): LoggedRequest {
  return {
    requestId: "id-1",
    remoteAddr: "192.0.2.1",
    remoteUser: "",
    method: "GET",
    host: "site",
    requestUri: uri,
    upstreamAddr: "backend:8000",
    referer: headers["referer"] ?? null,
    userAgent: headers["user-agent"] ?? null,
    line: null,
  };
}

/** A log in memory. */
function logInMemory(format: "combined" | "json" | "off") {
  let text = "";
  const log = createAccessLog(format, (bytes) => {
    text += new TextDecoder().decode(bytes);
    return Promise.resolve();
  });
  return {
    log,
    async lines() {
      await log.flush();
      return text.split("\n").slice(0, -1);
    },
  };
}

const CLOSED = {
  code: 1001,
  by: "client" as const,
  duration: 61_500,
  fromClient: { messages: 2, bytes: 30 },
  toClient: { messages: 4, bytes: 500 },
};

Deno.test("a combined line is nginx's", async () => {
  const { log, lines } = logInMemory("combined");
  log.request({
    context: context("/x?y", { "user-agent": "curl/8", referer: "http://r/" }),
    status: 200,
    bytes: 12,
    duration: 5,
  });
  log.request({ context: context(), status: 502, bytes: null, duration: 5 });
  const [full, bare] = await lines();
  ok(
    /^192\.0\.2\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/x\?y HTTP\/1\.1" 200 12 "http:\/\/r\/" "curl\/8"$/
      .test(full!),
    full!,
  );
  ok(bare!.endsWith('" 502 - "-" "-"'), bare!);
});

Deno.test("a WebSocket has a line when it opens and one when it closes", async () => {
  const combined = logInMemory("combined");
  combined.log.webSocketOpened(context());
  combined.log.webSocketClosed({ context: context(), ...CLOSED });
  const [opened, closed] = await combined.lines();
  ok(opened!.endsWith('" 101 - "-" "-" websocket opened'), opened!);
  ok(
    closed!.endsWith(
      " websocket closed 1001 by client after 61.500s, from client 2 messages 30 bytes, to client 4 messages 500 bytes",
    ),
    closed!,
  );
  const json = logInMemory("json");
  json.log.webSocketClosed({ context: context(), ...CLOSED });
  const line = JSON.parse((await json.lines())[0]!);
  equal(line.event, "websocket_closed");
  equal(line.close_code, 1001);
  equal(line.duration, 61.5);
  deepStrictEqual(line.from_client, { messages: 2, bytes: 30 });
});

Deno.test("a JSON line is one object on one line, whatever the client sends", async () => {
  const { log, lines } = logInMemory("json");
  log.request({
    context: context('/"\\\n<', { "user-agent": 'a"\\' }),
    status: 200,
    bytes: 1,
    duration: 1234,
  });
  const all = await lines();
  equal(all.length, 1);
  const line = JSON.parse(all[0]!);
  equal(line.request_uri, '/"\\\n<');
  equal(line.request_time, 1.234);
  equal(line.request_id, "id-1");
  equal(line.upstream_addr, "backend:8000");
});

Deno.test("no client can forge a combined line", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (field) => {
    const escaped = escapeField(field);
    ok(/^[\x20-\x7e]*$/.test(escaped), escaped);
    ok(!escaped.includes('"'));
    ok(!/\\(?!x[0-9A-F]{2})/.test(escaped), escaped);
  }));
});

Deno.test("a log that is off writes nothing", async () => {
  const { log, lines } = logInMemory("off");
  log.request({ context: context(), status: 200, bytes: 1, duration: 1 });
  log.webSocketOpened(context());
  deepStrictEqual(await lines(), []);
});

Deno.test("lines of one moment are written together, in their order", async () => {
  const writes: string[] = [];
  const log = createAccessLog("combined", (bytes) => {
    writes.push(new TextDecoder().decode(bytes));
    return Promise.resolve();
  });
  for (let i = 0; i < 100; i++) {
    log.request({
      context: context(`/${i}`),
      status: 200,
      bytes: 0,
      duration: 0,
    });
  }
  await log.flush();
  equal(writes.length, 1);
  deepStrictEqual(
    writes[0]!.trimEnd().split("\n").map((line) => / (\/\d+) /.exec(line)![1]),
    Array.from({ length: 100 }, (_, i) => `/${i}`),
  );
});

Deno.test("a reader that has gone ends the log and not the proxy", async () => {
  let writes = 0;
  const log = createAccessLog("combined", () => {
    writes++;
    return Promise.reject(new Deno.errors.BrokenPipe("gone"));
  });
  log.request({ context: context(), status: 200, bytes: 0, duration: 0 });
  await log.flush();
  log.request({ context: context(), status: 200, bytes: 0, duration: 0 });
  await log.flush();
  equal(writes, 1);
});

for (const format of ["combined", "json"] as const) {
  Deno.test(`a reader that has stopped does not fill the memory, ${format}`, async () => {
    const stopped = Promise.withResolvers<void>();
    let text = "";
    const log = createAccessLog(format, async (bytes) => {
      text += new TextDecoder().decode(bytes);
      await stopped.promise;
    });
    const big = context("/" + "x".repeat(100_000));
    const add = () =>
      log.request({ context: big, status: 200, bytes: 0, duration: 0 });
    add();
    const flushed = log.flush();
    for (let i = 0; i < 200; i++) add();
    stopped.resolve();
    await flushed;
    ok(text.length < 10_000_000);
    const lines = text.trimEnd().split("\n");
    const last = lines.pop()!;
    const lost = format === "json"
      ? JSON.parse(last).count
      : Number(/^# (\d+) lines lost: /.exec(last)?.[1]);
    equal(lines.length + lost, 201);
    if (format === "json") equal(JSON.parse(last).event, "lines_lost");
  });
}
