/** What is recorded for the live page, and what of it is shown. */
import { deepStrictEqual, ok, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { cookieVerdicts } from "../../../lib/observe/recorder/cookie_verdicts.ts";
import {
  maskedFields,
  maskedTarget,
} from "../../../lib/observe/recorder/masking.ts";
import {
  addRecorded,
  Recorder,
  type Recording,
} from "../../../lib/observe/recorder/recorder.ts";

const recording = (id: number): Recording => ({
  ...{ id: String(id), at: id, method: "GET", target: "/", status: 200 },
  ...{ start: 0, duration: 0, client: "", location: "/", server: "" },
  ...{ attempts: [], bytesReceived: 0, bytesSent: 0, sent: null },
  ...{ received: { target: "/", fields: [] }, answered: null },
  ...{ delivered: [], verdicts: [] },
});

Deno.test("nothing is recorded before somebody looks, and the last hundred after", () => {
  const recorder = new Recorder();
  recorder.add(recording(0));
  deepStrictEqual(recorder.take(), { last: [], missed: 0 });
  for (let id = 1; id <= 250; id++) recorder.add(recording(id));
  const { last, missed } = recorder.take();
  equal(missed, 150);
  deepStrictEqual([last.length, last[0]?.id, last.at(-1)?.id], [
    100,
    "151",
    "250",
  ]);
  deepStrictEqual(recorder.take(), { last: [], missed: 0 });
  recorder.add(recording(251));
  recorder.close();
  equal(recorder.on, false);
  deepStrictEqual(recorder.take(), { last: [], missed: 0 });
  recorder.close();
});

Deno.test("what several threads have recorded is in the order in which it ended", () => {
  const ids = (from: number, step: number) =>
    Array.from({ length: 80 }, (_, i) => recording(from + i * step));
  const { last, missed } = addRecorded(
    { last: ids(0, 2), missed: 1 },
    { last: ids(1, 2), missed: 0 },
  );
  equal(missed, 61);
  deepStrictEqual(
    last.map(({ at }) => at),
    Array.from({ length: 100 }, (_, i) => 60 + i),
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
    "https://x/?access_token=•••",
  );
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
