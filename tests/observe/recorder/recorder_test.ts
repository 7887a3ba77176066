/** What is recorded for the live page, and what of it is shown. */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { cookieVerdicts } from "../../../lib/observe/recorder/cookie_verdicts.ts";
import {
  maskedFields,
  maskedTarget,
} from "../../../lib/observe/recorder/masking.ts";
import {
  KeptRequests,
  type RequestHead,
} from "../../../lib/observe/recorder/kept.ts";
import { messageSummary } from "../../../lib/observe/recorder/message_summary.ts";
import {
  addRecorded,
  Recorder,
} from "../../../lib/observe/recorder/recorder.ts";
import type { Recording } from "../../../lib/observe/recorder/recording.ts";

const HEAD: RequestHead = {
  ...{
    method: "GET",
    url: "http://localhost/",
    fields: [],
    peer: "",
    peerPort: "",
  },
  place: { urlScheme: "http://", fallbackHost: "localhost", serverPort: "80" },
};

const recording = (id: number): Recording => ({
  ...{
    id: String(id),
    at: id,
    method: "GET",
    scheme: "http",
    target: "/",
    status: 200,
  },
  ...{ start: 0, duration: 0, client: "", peer: "", port: "" },
  ...{ location: "/", server: "", noReplay: null, replayOf: null },
  ...{ attempts: [], bytesReceived: 0, bytesSent: 0, sent: null },
  ...{ received: { target: "/", fields: [] }, answered: null },
  ...{ delivered: [], losers: [], verdicts: [] },
});

/** How many requests are recorded that begin now. */
function begun(recorder: Recorder): number {
  let count = 0;
  while (recorder.begins({})) count++;
  return count;
}

Deno.test("nothing is recorded before somebody looks, and the last 500 after", () => {
  const recorder = new Recorder();
  recorder.add(recording(0), HEAD, {});
  deepStrictEqual(recorder.take(), { last: [], missed: 0, messages: [] });
  for (let id = 1; id <= 650; id++) recorder.add(recording(id), HEAD, {});
  const { last, missed } = recorder.take();
  equal(missed, 150);
  deepStrictEqual([last.length, last[0]?.id, last.at(-1)?.id], [
    500,
    "151",
    "650",
  ]);
  deepStrictEqual(recorder.take(), { last: [], missed: 0, messages: [] });
  recorder.add(recording(651), HEAD, {});
  recorder.close();
  equal(recorder.on, false);
  equal(begun(recorder), 0);
  deepStrictEqual(recorder.take(), { last: [], missed: 0, messages: [] });
  recorder.close();
});

Deno.test("50 requests are recorded between two looks, up to 500 after quiet ones", () => {
  const recorder = new Recorder();
  recorder.take();
  equal(begun(recorder), 100);
  equal(recorder.take().missed, 1);
  for (let look = 0; look < 3; look++) {
    equal(begun(recorder), 50);
    equal(recorder.take().missed, 1);
  }
  // A page that is opened in a browser asks for hundreds of modules at once.
  for (let look = 0; look < 20; look++) recorder.take();
  equal(begun(recorder), 500);
  recorder.take();
  equal(begun(recorder), 50);
  recorder.close();
  recorder.take();
  equal(begun(recorder), 100, "as in the beginning");
  recorder.close();
});

Deno.test("50 messages are looked into between two looks", () => {
  const recorder = new Recorder();
  equal(recorder.beginsMessage(), false);
  recorder.take();
  for (let begun = 0; begun < 50; begun++) {
    equal(recorder.beginsMessage(), true);
  }
  equal(recorder.beginsMessage(), false);
  recorder.take();
  equal(recorder.beginsMessage(), true);
  recorder.close();
  equal(recorder.beginsMessage(), false);
});

Deno.test("what several threads have recorded is in the order in which it ended", () => {
  const ids = (from: number, step: number) =>
    Array.from({ length: 280 }, (_, i) => recording(from + i * step));
  const { last, missed } = addRecorded(
    { last: ids(0, 2), missed: 1, messages: [] },
    { last: ids(1, 2), missed: 0, messages: [] },
  );
  equal(missed, 61);
  deepStrictEqual(
    last.map(({ at }) => at),
    Array.from({ length: 500 }, (_, i) => 60 + i),
  );
});

Deno.test("secrets are masked, names are not", () => {
  const masked = (name: string, value: string) =>
    maskedFields([[name, value]])[0]?.[1];
  equal(masked("Cookie", "a=1; sessionid=2;b"), "a=•••; sessionid=•••; •••");
  equal(
    masked("Set-Cookie", "id=1=2; Path=/; HttpOnly"),
    "id=•••; Path=/; HttpOnly",
  );
  equal(masked("authorization", "Bearer abc"), "Bearer •••");
  equal(masked("authorization", "abc"), "•••");
  equal(masked("proxy-authorization", "Basic YTpi x"), "Basic •••");
  equal(masked("x-api-key", "abc"), "•••");
  equal(masked("x-csrftoken", "abc"), "•••");
  equal(masked("x-amz-security-token", "abc"), "•••");
  equal(masked("www-authenticate", 'Basic realm="a"'), 'Basic realm="a"');
  equal(masked("accept", "text/html"), "text/html");
  equal(masked("location", "/cb?code=1&a=2"), "/cb?code=•••&a=2");
  equal(
    masked("referer", "https://x/?access_token=1#b"),
    "https://x/?access_token=•••#b",
  );
  equal(
    masked("location", "https://a:b@x/#access_token=1&state=2&n=3"),
    "https://•••@x/#access_token=•••&state=•••&n=3",
  );
  equal(masked("location", "/cb?a=1#id_token=2"), "/cb?a=1#id_token=•••");
  equal(masked("cf-access-jwt-assertion", "abc"), "•••");
  equal(
    masked("sec-websocket-protocol", `graphql-ws, ${"a".repeat(40)}`),
    "graphql-ws, •••",
  );
  equal(maskedTarget("/a?%74oken=1&%=2"), "/a?%74oken=•••&%=2");
  equal(maskedTarget("/a?b=token&password=1&c"), "/a?b=token&password=•••&c");
  equal(maskedTarget("/a"), "/a");
});

Deno.test("no value of a cookie or of an authorization is ever shown, and all is bounded", () => {
  const secret = fc.stringMatching(/^[a-z0-9]{12,40}$/);
  fc.assert(
    fc.property(
      secret,
      fc.constantFrom("cookie", "Set-Cookie", "Authorization", "X-Auth-Token"),
      fc.constantFrom(
        (s: string) => s,
        (s: string) => `a=${s}; b=${s}`,
        (s: string) => `Bearer ${s}`,
      ),
      (value, name, write) => {
        const text = JSON.stringify(maskedFields([[name, write(value)]]));
        // A cookie without a value is its name.
        ok(!text.includes(value), text);
      },
    ),
  );
  const long = maskedFields(
    Array.from({ length: 500 }, () => ["a", "x".repeat(9_000)]),
  );
  ok(long.length <= 101 && JSON.stringify(long).length < 120_000);
});

Deno.test("a message of Centrifugo's is told by what it does, and by nothing that it carries", () => {
  const summaries = [
    ["{}", "ping"],
    ['{"id":1,"connect":{"token":"secret"}}', "connect"],
    ['{"id":1,"connect":{"client":"c-1","version":"6"}}', "connect c-1"],
    ['{"id":2,"subscribe":{"channel":"room:1"}}', "subscribe room:1"],
    ['{"id":2,"subscribe":{"recoverable":true}}', "subscribe"],
    [
      '{"id":3,"publish":{"channel":"room:1","data":{"a":"secret"}}}',
      "publish room:1",
    ],
    ['{"id":4,"rpc":{"method":"whoami","data":"secret"}}', "rpc whoami"],
    ['{"id":5}', "reply 5"],
    [
      '{"id":5,"error":{"code":109,"message":"token expired"}}',
      "error 109 token expired",
    ],
    ['{"push":{"channel":"room:1","pub":{"data":"secret"}}}', "pub room:1"],
    [
      '{"push":{"disconnect":{"code":3005,"reason":"connection limit"}}}',
      "disconnect 3005 connection limit",
    ],
    [
      '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"a"}}',
      "connect, subscribe a",
    ],
    ["{}\n".repeat(7), "ping, ping, ping, ping, ping, and 2 more"],
    ['{"type":"ping"}', "text"],
    ["hello", "text"],
    ["", "text"],
    ["[1]", "text"],
    [`{"id":1,"rpc":{"method":"${"x".repeat(70_000)}"}}`, "text"],
  ] as const;
  for (const [data, summary] of summaries) equal(messageSummary(data), summary);
  equal(messageSummary(null), "binary");
});

Deno.test("it is said which cookies a browser drops, and why", () => {
  const verdict = (field: string, scheme = "http", host = "app.example") =>
    cookieVerdicts([field], scheme, host)[0] ?? null;
  const dropped = [
    ["a=1; Secure", /Secure, and the page came over http/],
    ["a=1; SameSite=None", /only with Secure/],
    ["__Secure-a=1", /__Secure- needs Secure/],
    ["a=1; Domain=other.example", /its Domain is other\.example/],
    ["a=1; Domain=.pp.example", /its Domain is pp\.example/],
  ] as const;
  for (const [field, why] of dropped) {
    ok(why.test(verdict(field) ?? ""), `${field}: ${verdict(field)}`);
  }
  ok(verdict("__Host-a=1; Secure; Path=/a", "https")?.includes("__Host-"));
  ok(verdict("__Host-a=1; Secure; Path=/; Domain=app.example", "https"));
  for (
    const field of [
      "a=1",
      "a=1; HttpOnly; SameSite=Lax; Path=/",
      "a=1; Domain=app.example",
      "a=1; domain=.example",
    ]
  ) equal(verdict(field), null);
  equal(verdict("a=1; Secure", "https"), null);
  equal(verdict("__Host-a=1; Secure; Path=/", "https"), null);
  equal(verdict("a=1; Secure", "http", "localhost"), null);
  equal(verdict("a=1; Secure", "http", "127.0.0.1"), null);
});

Deno.test("whole requests are kept only as long as somebody looks", async () => {
  const recorder = new Recorder();
  recorder.add(recording(1), HEAD, {});
  equal(recorder.kept.count, 0);
  recorder.take();
  recorder.add(recording(2), HEAD, {});
  recorder.take();
  equal(recorder.kept.find("2", null)?.head, HEAD);
  const expected = recorder.expect({}, "2");
  recorder.close();
  equal(recorder.kept.count, 0);
  equal(await expected, null);
  equal(await recorder.expect({}, "2"), null);
});

Deno.test("what is sent again is recorded though there are many, and marked", async () => {
  const recorder = new Recorder();
  recorder.take();
  while (recorder.begins({}));
  const request = {};
  const expected = recorder.expect(request, "2");
  equal(recorder.begins(request), true);
  // What the upstream asks for meanwhile may have the same id.
  recorder.add({ ...recording(7), status: 500 }, HEAD, {});
  recorder.add(recording(7), HEAD, request);
  const { replayOf, status } = await expected ?? {};
  deepStrictEqual([replayOf, status], ["2", 200]);
  const { last } = recorder.take();
  deepStrictEqual(last.map(({ replayOf }) => replayOf), [null, "2"]);
  recorder.close();
});

Deno.test("500 whole requests are kept, and 4 million letters, the last ones", () => {
  const kept = new KeptRequests();
  for (let id = 1; id <= 501; id++) kept.add(recording(id), HEAD);
  equal(kept.count, 500);
  equal(kept.find("1", null), null);
  const long = { ...HEAD, fields: [["x", "y".repeat(1_500_000)]] as const };
  for (let id = 600; id < 603; id++) kept.add(recording(id), long);
  deepStrictEqual([kept.count, kept.find("600", null)], [2, null]);
  kept.add(recording(700), {
    ...HEAD,
    fields: [["x", "y".repeat(4_000_000)]],
  });
  // It is not worth the others.
  deepStrictEqual([kept.count, kept.find("700", null)], [2, null]);
});

Deno.test("of several requests with one id the last is found, or that of a moment", () => {
  const kept = new KeptRequests();
  for (const at of [1, 2, 3]) kept.add({ ...recording(5), at }, HEAD);
  equal(kept.find("5", null)?.recording.at, 3);
  equal(kept.find("5", 2)?.recording.at, 2);
  equal(kept.find("5", 4), null);
});
