/**
 * `auth_basic` over real connections.
 *
 * @module
 */
import { match, ok, strictEqual as equal } from "node:assert/strict";
import fc from "fast-check";
import { basicCredentials } from "../../lib/exchange/basic_credentials.ts";
import { utf8Bytes } from "../../lib/route/bytes.ts";
import { ask, backend, toGroup } from "../support/backends.ts";
import { startProxy } from "../support/proxy.ts";

const BCRYPT = "$2y$05$MsI2XqDJqwDyzemBIDraI.uWx6PJ.NTTDFq003O/tBvND53cgPZxS";

/** A file of users, removed at the end. */
async function userFile(text: string) {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  return {
    path,
    write: (text: string) => Deno.writeTextFile(path, text),
    [Symbol.asyncDispose]: () => Deno.remove(path).catch(() => {}),
  };
}

const as = (user: string, password: string): RequestInit => ({
  headers: { authorization: `Basic ${btoa(utf8Bytes(`${user}:${password}`))}` },
});

Deno.test("who has a user's password comes in, and is in the log", async () => {
  await using server = backend("a");
  await using file = await userFile(
    `joe:${BCRYPT}\nmäx:{PLAIN}geheim\nann:{SHA}9Rfd8dMqES/xrVXGbRsSyzjn6Pc=\n`,
  );
  await using proxy = startProxy({
    ...toGroup([server]),
    auth_basic: 'the "inner" room',
    auth_basic_user_file: file.path,
    proxy_set_header: { Host: "x", "X-User": "$remote_user" },
  });
  equal(await ask(proxy.url, as("joe", "pässwörd")), "200 a");
  equal(await ask(proxy.url, as("ann", "pässwörd")), "200 a");
  equal(await ask(proxy.url, as("mäx", "geheim")), "200 a");
  equal(server.seen[0]?.headers.get("x-user"), "joe");
  for (
    const [user, password] of [
      ["joe", "password"],
      ["joe", ""],
      ["mäx", "pässwörd"],
      ["nobody", "pässwörd"],
      ["joe:pässwörd", ""],
      ["__proto__", "x"],
    ] as const
  ) {
    match(await ask(proxy.url, as(user, password)), /^401 /);
  }
  const refused = await fetch(proxy.url);
  equal(refused.status, 401);
  equal(
    refused.headers.get("www-authenticate"),
    'Basic realm="the \\"inner\\" room", charset="UTF-8"',
  );
  await refused.text();
  equal(server.seen.length, 3);
  await proxy.log.flush();
  match(proxy.lines[0] ?? "", /^127\.0\.0\.1 - joe \[.*" 200 /);
  match(proxy.lines[2] ?? "", /^127\.0\.0\.1 - m\\xC3\\xA4x \[.*" 200 /);
  match(proxy.lines[3] ?? "", /^127\.0\.0\.1 - joe \[.*" 401 /);
  match(proxy.lines.at(-1) ?? "", /^127\.0\.0\.1 - - \[.*" 401 /);
});

Deno.test("a change of the file is noticed, and one that is gone lets nobody in", async () => {
  await using server = backend("a");
  await using file = await userFile("joe:{PLAIN}one\n");
  await using proxy = startProxy({
    ...toGroup([server]),
    auth_basic: "x",
    auth_basic_user_file: file.path,
  });
  /** Asks until the answer begins so: it may take a second. */
  const becomes = async (expected: string, init: RequestInit) => {
    const until = performance.now() + 30_000;
    while (!(await ask(proxy.url, init)).startsWith(expected)) {
      ok(performance.now() < until, `not ${expected} in time`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  equal(await ask(proxy.url, as("joe", "one")), "200 a");
  await file.write("joe:{PLAIN}two\nann:secret\n");
  await becomes("401", as("joe", "one"));
  equal(await ask(proxy.url, as("joe", "two")), "200 a");
  match(proxy.errors[0] ?? "", /line 2: .*not known/);
  await Deno.remove(file.path);
  await becomes("403", as("joe", "two"));
  match(proxy.errors[1] ?? "", /^403 auth_basic_user_file .* can't be read/);
  await file.write("joe:{PLAIN}three\n");
  await becomes("200", as("joe", "three"));
});

Deno.test("satisfy any: an address or a password is enough", async () => {
  await using server = backend("a");
  await using file = await userFile("joe:{PLAIN}one\n");
  await using proxy = startProxy({
    ...toGroup([server]),
    trusted_proxies: "127.0.0.1",
    satisfy: "any",
    access: [{ allow: "10.0.0.0/8" }, { deny: "all" }],
    auth_basic: "x",
    auth_basic_user_file: file.path,
  });
  const from = (address: string, init: RequestInit = {}) =>
    ask(proxy.url, {
      headers: { ...init.headers, "x-forwarded-for": address },
    });
  equal(await from("10.0.0.1"), "200 a");
  equal(await from("192.0.2.1", as("joe", "one")), "200 a");
  match(await from("192.0.2.1"), /^401 /);
  match(await from("192.0.2.1", as("joe", "two")), /^401 /);
});

Deno.test("satisfy all: both are needed, and the address comes first", async () => {
  await using server = backend("a");
  await using file = await userFile("joe:{PLAIN}one\n");
  await using proxy = startProxy({
    ...toGroup([server]),
    trusted_proxies: "127.0.0.1",
    access: [{ allow: "10.0.0.0/8" }, { deny: "all" }],
    auth_basic: "x",
    auth_basic_user_file: file.path,
  });
  const from = (address: string, init: RequestInit = {}) =>
    ask(proxy.url, {
      headers: { ...init.headers, "x-forwarded-for": address },
    });
  match(await from("10.0.0.1"), /^401 /);
  match(await from("192.0.2.1", as("joe", "one")), /^403 /);
  equal(await from("10.0.0.1", as("joe", "one")), "200 a");
});

Deno.test("credentials are read as nginx reads them", () => {
  const read = (value: string) => {
    const found = basicCredentials(value);
    return found === null ? null : [found.user, found.password].join("|");
  };
  equal(read(`Basic ${btoa("joe:a:b")}`), "joe|a:b");
  equal(read(`bASIC   ${btoa("joe:")}`), "joe|");
  for (
    const value of [
      "Basic",
      "Basic ",
      `Bearer ${btoa("joe:a")}`,
      `Basic ${btoa("joe")}`,
      `Basic ${btoa(":a")}`,
      "Basic ####",
      `Basic ${btoa("joe:a")} x`,
    ]
  ) equal(read(value), null, value);
  fc.assert(
    fc.property(fc.string(), fc.string(), (user, password) => {
      const both = utf8Bytes(`${user}:${password}`);
      const colon = both.indexOf(":");
      equal(
        read(`Basic ${btoa(both)}`),
        colon === 0 ? null : `${both.slice(0, colon)}|${both.slice(colon + 1)}`,
      );
    }),
  );
});
