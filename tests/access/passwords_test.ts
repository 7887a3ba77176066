/**
 * Passwords as `htpasswd` and `openssl passwd` store them.
 *
 * @module
 */
import { ok, rejects, strictEqual as equal } from "node:assert/strict";
import { matchesSlowly } from "../../lib/access/passwords/slow_schemes.ts";
import { Passwords } from "../../lib/access/passwords/passwords.ts";
import { TooManyWaiting } from "../../lib/access/passwords/password_thread.ts";
import { parseUserFile, schemeOf } from "../../lib/config/user_file.ts";
import { utf8Bytes } from "../../lib/route/bytes.ts";

const UMLAUTS = utf8Bytes("pässwörd");
const LONG = "a much longer password than sixty-four bytes, which is where a " +
  "block of SHA-512 would end";

/** Made by htpasswd 2.4 and OpenSSL 3. */
const STORED: readonly [scheme: string, password: string, stored: string][] = [
  [
    "bcrypt",
    UMLAUTS,
    "$2y$05$MsI2XqDJqwDyzemBIDraI.uWx6PJ.NTTDFq003O/tBvND53cgPZxS",
  ],
  ["apr1", UMLAUTS, "$apr1$5uTQ2ScB$EsQ03gou.rmmPVgGzkj9I0"],
  ["apr1", "", "$apr1$SVSJjnQT$lwFpZo3tA0q/o5Mp8970y0"],
  ["md5-crypt", UMLAUTS, "$1$pU63vxF9$4WNTyinzNmzqr5qkRLEFi/"],
  [
    "sha256-crypt",
    UMLAUTS,
    "$5$E41ylAQ5wWYQEpWO$j6c5kW1SIKrz9IkGW2hKyhs6.3Jo7xz/hW33/d/gqH7",
  ],
  [
    "sha512-crypt",
    UMLAUTS,
    "$6$hGmLP7/tsMnO8dBE$JmEkD8m8qOOk/.ZCh7Spb.pxh.vvz0QOu7aU7q7vwFzJABXDm2J95aNVmvIQ1T2Sr5./s0tJZK.8PYFEAf8yq.",
  ],
  [
    "sha512-crypt",
    UMLAUTS,
    "$6$rounds=1000$c3rL3Pi/GkrYwXWe$HSwwhtuI95Snv0nejsW0649yVDFkDRms0zqhrGVwTtMtq4zfwf.EItgMpPOvQ11k4KMdFsSfBTLZjrD19R5AH.",
  ],
  [
    "sha512-crypt",
    LONG,
    "$6$abcdefghijklmnop$q.8dlT8bH2hL6bC4nwqNgjn1KkvFEbfjunYGg7fbfUwq/94TVgL19m3uMouYwInHOTDRrTY/ejFvo.EMgATpo.",
  ],
  ["SHA", UMLAUTS, "{SHA}9Rfd8dMqES/xrVXGbRsSyzjn6Pc="],
  ["SSHA", UMLAUTS, "{SSHA}Sw7YnHtbBjoDjkaXvQS9UYwjbeZzYWx0MTIzNA=="],
  ["PLAIN", UMLAUTS, `{PLAIN}${UMLAUTS}`],
  ["PLAIN", "", "{PLAIN}"],
];

Deno.test("a password matches what was stored of it, and no other does", async () => {
  const passwords = new Passwords();
  try {
    for (const [scheme, password, stored] of STORED) {
      equal(schemeOf(stored), scheme);
      equal(await passwords.matches(password, stored), true, stored);
      // The second time it is remembered.
      equal(await passwords.matches(password, stored), true, stored);
      for (const wrong of [`${password}x`, password.slice(1), "x", "\0"]) {
        if (wrong === password) continue;
        equal(await passwords.matches(wrong, stored), false, stored);
      }
    }
    ok(!await passwords.matches("x".repeat(2_000), STORED[0]![2]));
  } finally {
    passwords.close();
  }
});

Deno.test("what is stored otherwise is no password", () => {
  for (
    const stored of ["", "ZK8SlHOdE0oss", "$2y$05$short", "{MD5}x", "secret"]
  ) {
    equal(schemeOf(stored), null, stored);
  }
  let error: unknown;
  try {
    matchesSlowly("x", "{PLAIN}x");
  } catch (caught) {
    error = caught;
  }
  ok(error instanceof TypeError);
});

Deno.test("while a password is checked others are served, and only so many wait", async () => {
  // About a second of work.
  const stored = "$2y$14$7qtf61M5urzr7XKy9gk85etOYDZatSp5ouBfI42hhoaqw9wBNop6O";
  const passwords = new Passwords();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const ends: string[] = [];
  const first = Promise.withResolvers<void>();
  const checks = Array.from(
    { length: 101 },
    (_, i) =>
      passwords.matches(`wrong ${i}`, stored).then(
        () => first.resolve(void ends.push("checked")),
        (error) =>
          ends.push(error instanceof TooManyWaiting ? "many" : "closed"),
      ),
  );
  // The same password is one check.
  const same = [1, 2].map(() => passwords.matches("wrong 0", stored));
  const sames = Promise.allSettled(same);
  // Whichever it is: they come to the thread in any order.
  await first.promise;
  clearInterval(timer);
  ok(ticks > 10, `${ticks}`);
  equal(ends.filter((end) => end === "many").length, 1);
  passwords.close();
  await Promise.all([...checks, sames]);
  ok(ends.filter((end) => end === "closed").length > 90);
});

Deno.test("who waits for the thread hears of the end", async () => {
  const stored = "$2y$14$7qtf61M5urzr7XKy9gk85etOYDZatSp5ouBfI42hhoaqw9wBNop6O";
  const passwords = new Passwords();
  const late = ["a", "b", "c"].map((it) => passwords.matches(it, stored));
  const lates = Promise.allSettled(late);
  equal(await Promise.race(late), false);
  passwords.close();
  ok((await lates).some(({ status }) => status === "rejected"));
});

Deno.test("after the end no password starts a thread again", async () => {
  const [, password = "", stored = ""] = STORED[0] ?? [];
  const passwords = new Passwords();
  const matches = passwords.matches(password, stored);
  // Before what comes first, signing the password, is done.
  passwords.close();
  await rejects(matches, /shutting down/);
  await rejects(passwords.matches(password, stored), /shutting down/);
});

Deno.test("a file of users is read as nginx reads it", () => {
  const read = (text: string) => parseUserFile(new TextEncoder().encode(text));
  const { users, problems } = read(
    "# a comment\n\njoe:{PLAIN}a:a comment\r\n" +
      "joe:{PLAIN}b\nmäx:{PLAIN}c\nnobody\n:{PLAIN}d\nold:ZK8SlHOdE0oss\n" +
      "bad:secret\nlast:{PLAIN}",
  );
  equal(
    JSON.stringify([...users]),
    JSON.stringify([
      ["joe", "{PLAIN}a"],
      [utf8Bytes("mäx"), "{PLAIN}c"],
      ["last", "{PLAIN}"],
    ]),
  );
  equal(
    problems.join("\n"),
    `line 4: there is a user "joe" above already
line 6 is not of the form user:password
line 7 is not of the form user:password
line 8: a DES crypt password is not supported, for only 8 letters of it count (make it anew with: htpasswd -B FILE USER)
line 9: the password is stored in a way that is not known (make it anew with: htpasswd -B FILE USER)`,
  );
});
