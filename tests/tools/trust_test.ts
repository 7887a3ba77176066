/**
 * `deno task trust` with real lists of Firefox.
 *
 * @module
 */
import assert from "node:assert/strict";
import { trust } from "../../tools/trust.ts";
import { testNeeding } from "../support/skip.ts";

const NAME = "sameorigin on this machine";

/** Every place where a profile can be. */
const PROFILES = [
  ".mozilla/firefox/abc.default",
  ".mozilla/firefox/xyz.dev-edition",
  ".config/mozilla/firefox/abc.default",
  "snap/firefox/common/.mozilla/firefox/abc.default",
  ".var/app/org.mozilla.firefox/.mozilla/firefox/a b.default",
];

async function certutil(folder: string, ...args: string[]): Promise<string> {
  const { code, stdout } = await new Deno.Command("certutil", {
    args: ["-d", `sql:${folder}`, ...args],
    stdin: "null",
    stderr: "null",
  }).output();
  return code === 0 ? new TextDecoder().decode(stdout) : "";
}

/** A home directory with profiles, and a folder beside them that is none. */
async function homeWith(profiles: readonly string[]) {
  const home = await Deno.makeTempDir({ prefix: "sameorigin-home-" });
  for (const profile of profiles) {
    await Deno.mkdir(`${home}/${profile}`, { recursive: true });
    await certutil(`${home}/${profile}`, "-N", "--empty-password");
  }
  await Deno.mkdir(`${home}/.mozilla/firefox/Crash Reports`, {
    recursive: true,
  });
  await Deno.writeTextFile(`${home}/.mozilla/firefox/profiles.ini`, "");
  return {
    home,
    /** `C,,` where it is trusted for servers. */
    async flags(folder: string): Promise<string | undefined> {
      const list = await certutil(`${home}/${folder}`, "-L");
      return new RegExp(`^${NAME} +(\\S+) *$`, "m").exec(list)?.[1];
    },
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

const linux = [Deno.build.os === "linux" ? "certutil" : "certutil of NSS"];

testNeeding(
  linux,
  "every profile of Firefox trusts the authority, and then no more",
  async () => {
    await using user = await homeWith(PROFILES);
    const { home } = user;
    const folder = `${home}/https`;
    const first = await trust(true, home, folder);
    assert.ok(first.ok, first.message);
    assert.match(first.message, /Firefox .* started anew/);
    for (const place of [".pki/nssdb", ...PROFILES]) {
      assert.ok(first.message.includes(`${home}/${place}`), place);
      assert.equal(await user.flags(place), "C,,", place);
    }
    // A second time changes nothing.
    assert.ok((await trust(true, home, folder)).ok);

    // One that came later has nothing to take away.
    const late = `${home}/.mozilla/firefox/late`;
    await Deno.mkdir(late);
    await certutil(late, "-N", "--empty-password");
    const last = await trust(false, home, folder);
    assert.ok(last.ok, last.message);
    assert.ok(!last.message.includes(late));
    for (const place of [".pki/nssdb", ...PROFILES]) {
      assert.equal(await user.flags(place), undefined, place);
    }
    assert.equal((await trust(false, home, folder)).ok, false);
    const made = await Array.fromAsync(
      Deno.readDir(`${home}/.mozilla/firefox/Crash Reports`),
    );
    assert.deepEqual(made, []);
  },
);

testNeeding(
  linux,
  "a profile that can't be changed is told, with the command, and the others are",
  async () => {
    await using user = await homeWith(PROFILES.slice(0, 1));
    const { home } = user;
    const locked = `${home}/.mozilla/firefox/aaa.locked`;
    await Deno.mkdir(locked);
    await Deno.writeTextFile(`${home}/password`, "secret\n");
    await certutil(locked, "-N", "-f", `${home}/password`);
    const { ok, message } = await trust(true, home, `${home}/https`);
    assert.equal(ok, false);
    assert.match(message, /certutil -d sql:\S+aaa\.locked -A .*\n[^]*password/);
    for (const place of [".pki/nssdb", PROFILES[0]!]) {
      assert.equal(await user.flags(place), "C,,", place);
      assert.ok(message.includes(place), place);
    }
  },
);

testNeeding(
  linux,
  "a user without a browser gets no profile of Firefox",
  async () => {
    await using user = await homeWith([]);
    const { home } = user;
    const { ok, message } = await trust(true, home, `${home}/https`);
    assert.ok(ok, message);
    assert.doesNotMatch(message, /Firefox/);
    assert.equal(await user.flags(".pki/nssdb"), "C,,");
  },
);
