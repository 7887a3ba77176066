/**
 * Whom browsers on this machine trust besides:
 *
 *     deno task trust      the authority of `deno task dev --https`
 *     deno task untrust    no more
 *
 * On Linux that is Chromium's list of this user, on macOS and Windows the user's of
 * the system. Firefox has its own: about:preferences#privacy, View Certificates.
 *
 * @module
 */
import { join } from "node:path";
import { AUTHORITY, localAuthority } from "./local_https.ts";

/** What the lists call it. */
const NAME = AUTHORITY.commonName;

/** A program and its arguments. */
type Command = readonly [string, ...string[]];

/** The commands of a system, in their order. */
export function commandsFor(
  os: typeof Deno.build.os,
  home: string,
  authority: string,
  isTrusted: boolean,
): Command[] {
  if (os === "windows") {
    return [
      isTrusted
        ? ["certutil", "-user", "-addstore", "Root", authority]
        : ["certutil", "-user", "-delstore", "Root", NAME],
    ];
  }
  if (os === "darwin") {
    const keychain = join(home, "Library/Keychains/login.keychain-db");
    return isTrusted
      ? [["security", "add-trusted-cert", "-k", keychain, authority]]
      : [["security", "remove-trusted-cert", authority]];
  }
  const database = `sql:${join(home, ".pki/nssdb")}`;
  const nss = (...args: string[]): Command => [
    "certutil",
    "-d",
    database,
    ...args,
  ];
  return isTrusted
    ? [nss("-A", "-t", "C,,", "-n", NAME, "-i", authority)]
    : [nss("-D", "-n", NAME)];
}

/**
 * Has it trusted, or no more.
 *
 * @returns What to say, and whether it is done.
 */
export async function trust(
  isTrusted: boolean,
  home: string,
  folder?: string,
): Promise<{ ok: boolean; message: string }> {
  const authority = await localAuthority(folder);
  const { os } = Deno.build;
  if (os === "linux") await makeDatabase(join(home, ".pki/nssdb"));
  for (const command of commandsFor(os, home, authority, isTrusted)) {
    const problem = await run(command);
    if (problem === null) continue;
    const line = command.map((word) => word.includes(" ") ? `"${word}"` : word)
      .join(" ");
    return { ok: false, message: `${line}\n${problem}` };
  }
  const message = isTrusted
    ? `Browsers of this user trust ${authority} for localhost and private networks.`
    : `Browsers of this user don't trust ${authority} any more.`;
  return { ok: true, message };
}

/** A user who never had a browser has none yet. */
async function makeDatabase(folder: string): Promise<void> {
  try {
    await Deno.stat(join(folder, "cert9.db"));
  } catch {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await run(["certutil", "-d", `sql:${folder}`, "-N", "--empty-password"]);
  }
}

/** Why it failed; null if it did not. */
async function run([program, ...args]: Command): Promise<string | null> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return success ? null : decoder.decode(stderr) || decoder.decode(stdout);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const where = Deno.build.os === "linux"
      ? " (Debian: apt install libnss3-tools)"
      : "";
    return `${program} is not installed${where}`;
  }
}

if (import.meta.main) {
  const home = Deno.env.get("HOME") ?? "";
  const { ok, message } = await trust(Deno.args[0] === "trust", home);
  console.error(message);
  Deno.exitCode = ok ? 0 : 1;
}
